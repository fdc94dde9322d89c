"""Augmentations made from the config, and tried once: what cannot work is refused before the first batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from asrx.config.build import build
from asrx.types import UserError, reason

ROWS = 8  # utterances that an augmentation is tried on
SHORTEST = 100  # what leaves less than a hundredth of an utterance is a slip


def on_waves(node: Any, place: str, sample_rate: int) -> nn.Module:
    """The augmentation of waveforms at a place of the config, such as augment.wave.0.

    Raises:
        UserError: it cannot be made, or does not turn half seconds of noise into sound.
    """
    return _tried(node, place, "waveforms", lambda module: _sound(module(*_noise(sample_rate)), sample_rate))


def on_frames(node: Any, place: str, dim: int) -> nn.Module:
    """The augmentation of features at a place of the config.

    Raises:
        UserError: it cannot be made, or does not turn frames of noise into as many.
    """

    def work(module: nn.Module) -> None:
        frames_BTF, lengths_B = torch.randn(ROWS, 50, dim), torch.arange(50, 50 - 5 * ROWS, -5)
        after_BTF, lengths_B = module(frames_BTF, lengths_B)
        if after_BTF.ndim != 3 or after_BTF.shape[::2] != (ROWS, dim) or not after_BTF.isfinite().all():
            raise ValueError("what comes out is not as many features, all numbers")

    return _tried(node, place, "features", work)


def on_pairs(node: Any, place: str) -> nn.Module:
    """The mixup at a place of the config.

    Raises:
        UserError: it cannot be made, or draws no pairs.
    """
    return _tried(node, place, "pairs", lambda module: module(ROWS, torch.device("cpu")).combine)


def at_test_time(node: Any, place: str, sample_rate: int) -> nn.Module:
    """Several readings of waveforms, at a place of the config.

    Raises:
        UserError: it cannot be made, or does not give a list of sounds.
    """

    def work(module: nn.Module) -> None:
        readings = module(*_noise(sample_rate))
        if not isinstance(readings, list):
            raise ValueError("it gives one reading and not a list")
        for reading in readings:
            _sound(reading, sample_rate)

    return _tried(node, place, "readings of waveforms", work)


def _tried(node: Any, place: str, what: str, work: Callable[[nn.Module], Any]) -> nn.Module:
    """The module, which has drawn nothing from the random numbers of the run."""
    try:
        module = build(node, nn.Module)
    except UserError as error:
        raise UserError(f"{place}: {error}") from None
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            work(module)
    except UserError as error:
        raise UserError(f"{place}: {error}") from None
    except Exception as error:
        raise UserError(
            f"{place}: {node['_target_']} does not work on {what} ({reason(error)}): change its arguments, or put one "
            f"there that is for {what}."
        ) from error
    return module


def _noise(sample_rate: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Half a second and shorter, padded with zeros."""
    lengths_B = torch.linspace(sample_rate // 2, sample_rate // 4, ROWS).long().clamp_min(1)
    wave_BT = 0.1 * torch.randn(ROWS, int(lengths_B[0]))
    return wave_BT * (torch.arange(wave_BT.shape[1]) < lengths_B[:, None]), lengths_B


def _sound(given: Any, sample_rate: int) -> None:
    wave_BT, lengths_B = given
    if wave_BT.ndim != 2 or len(wave_BT) != ROWS or lengths_B.is_floating_point():
        raise ValueError("what comes out is no batch of waveforms")
    if not wave_BT.isfinite().all():
        raise ValueError("what comes out holds samples that are not numbers")
    if lengths_B.min() * SHORTEST < sample_rate // 4:
        raise ValueError(f"it leaves {int(lengths_B.min())} samples of a quarter of a second")

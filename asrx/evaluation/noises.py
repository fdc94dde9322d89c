"""Noise that trained models are tested in."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from asrx.augment.background_noise import BackgroundNoise
from asrx.augment.noise import WhiteNoise
from asrx.types import UserError


def noises(folder: str | None, snrs: Sequence[float], sample_rate: int) -> list[nn.Module | None]:
    """None for clean speech, then a noise for each ratio.

    Args:
        folder: of recordings; None is white noise.
        snrs: signal-to-noise ratios in dB.
        sample_rate: in Hz.

    Raises:
        UserError: the recordings cannot be used.
    """
    try:
        made = [
            BackgroundNoise(folder, sample_rate, (snr, snr), 1.0) if folder else WhiteNoise((snr, snr), 1.0)
            for snr in snrs
        ]
        for noise in made[:1]:  # reads the recordings
            noise(torch.ones(1, 1), torch.ones(1).long())
    except UserError as error:
        raise UserError(f"--noise: {error}") from None
    return [None, *made]

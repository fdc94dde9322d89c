"""Features made from the config, and tried once: what cannot work is refused before any audio is read."""

from __future__ import annotations

from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from asrx.config.build import build
from asrx.features.base import Features
from asrx.types import UserError, reason


def features_of(node: Any, sample_rate: int) -> Features:
    """The features that a config describes.

    Args:
        node: of the config; what stands in front, `enhance`, is not looked at.
        sample_rate: of the waveforms, in Hz.

    Raises:
        UserError: they cannot be made, do not turn half a second of noise and one of silence into numbers, or make the
            same of all noise.
    """
    node = OmegaConf.to_container(node, resolve=True) if isinstance(node, DictConfig) else node
    features = build({key: value for key, value in node.items() if key != "enhance"}, Features)
    lengths_B = torch.tensor([sample_rate // 2, sample_rate // 4, sample_rate // 2]).clamp_min(1)
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            noise_BT = 0.1 * torch.randn(3, int(lengths_B[0])) * torch.tensor([1, 1, 0])[:, None]
            frames_BTF, _ = features(noise_BT, lengths_B)
            if frames_BTF.shape[1:] != (features.frames(noise_BT.shape[1]), features.dim):
                raise ValueError("it makes another number of frames or bins than it says")
            if not frames_BTF.isfinite().all():
                raise ValueError("what it makes of noise or of silence is not numbers")
            if torch.equal(frames_BTF[0], frames_BTF[0, :1, :1].expand_as(frames_BTF[0])):
                raise ValueError("it makes the same of every sound")
    except Exception as error:  # of a class that may be the user's own
        raise UserError(
            f"features: {node['_target_']} does not work ({reason(error)}): change its arguments."
        ) from error
    return features

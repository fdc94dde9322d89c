"""The waveform as it is."""

from __future__ import annotations

import torch
from torch.nn import functional

from asrx.features.base import Features
from asrx.types import UserError


class Raw(Features):
    """Windows of the waveform, (B, T samples) to (B, ceil(T / hop), window); with 1 and 1, each sample is a frame.

    Args:
        window: samples in a frame.
        hop: samples from frame to frame.
        normalize: see `Features`.

    Raises:
        UserError: the window or the hop is not above 0.
    """

    def __init__(self, window: int = 1, hop: int = 1, normalize: str = "utterance"):
        for name, value in (("window", window), ("hop", hop)):
            if value < 1:
                raise UserError(f"features.{name}={value} should be a whole number from 1.")
        super().__init__(window, normalize)
        self.hop = hop

    def frames(self, n_samples):
        return (n_samples + self.hop - 1) // self.hop

    def extract(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        count = self.frames(wave_BT.shape[1])
        missing = (count - 1) * self.hop + self.dim - wave_BT.shape[1]
        return functional.pad(wave_BT, (0, max(0, missing))).unfold(1, self.dim, self.hop)[:, :count]

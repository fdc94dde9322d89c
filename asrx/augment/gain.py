"""Loudness."""

from __future__ import annotations

import torch
from torch import nn

from asrx.augment.arguments import interval
from asrx.types import Augment


class Gain(nn.Module, Augment):
    """Multiply each utterance by its own factor.

    Args:
        gain_db: lowest and highest gain, in dB; drawn uniformly.

    Raises:
        UserError: an argument is not what it should be.
    """

    def __init__(self, gain_db: tuple[float, float] = (-12.0, 6.0)):
        super().__init__()
        self.low, self.high = interval("gain_db", gain_db)

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T) and lengths in samples to the same, louder or softer."""
        gain_B1 = self.low + torch.rand(len(lengths_B), 1, device=wave_BT.device) * (self.high - self.low)
        return wave_BT * 10 ** (gain_B1 / 20), lengths_B

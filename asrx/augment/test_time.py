"""Test-time augmentation: several readings of each utterance, whose answers are averaged."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from asrx.augment.speed import Speed


class Speeds(nn.Module):
    """Play each utterance at every speed of a list: voices between that of the utterance and those of training.

    Args:
        factors: see `asrx.augment.speed.Speed`.

    Raises:
        UserError: see there.
    """

    def __init__(self, factors: Sequence[float] = (0.9, 1.0, 1.1)):
        super().__init__()
        self.speeds = nn.ModuleList([Speed([factor]) for factor in Speed(factors).factors])

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """(B, T) and lengths in samples to as many of the same as there are speeds."""
        return [speed(wave_BT, lengths_B) for speed in self.speeds]

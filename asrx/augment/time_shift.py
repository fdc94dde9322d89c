"""Clips that begin earlier or later."""

from __future__ import annotations

import torch
from torch import nn

from asrx.augment.arguments import from_zero
from asrx.masking import zero_padding
from asrx.types import Augment


class TimeShift(nn.Module, Augment):
    """Move each utterance within its length; what leaves at one end is gone, and zeros come in at the other. For clips
    of a word with room around it, as in BC-ResNet's recipe (https://arxiv.org/abs/2106.04140).

    Args:
        sample_rate: Hz.
        seconds: largest shift either way, drawn uniformly.

    Raises:
        UserError: an argument is not what it should be.
    """

    def __init__(self, sample_rate: int, seconds: float = 0.1):
        super().__init__()
        self.most = round(from_zero("seconds", seconds) * sample_rate)

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T) and lengths in samples to the same, shifted."""
        shift_B1 = torch.randint(-self.most, self.most + 1, (len(wave_BT), 1), device=wave_BT.device)
        source_BT = torch.arange(wave_BT.shape[1], device=wave_BT.device) - shift_B1
        inside_BT = (source_BT >= 0) & (source_BT < lengths_B[:, None])
        shifted_BT = wave_BT.gather(1, source_BT.clamp(0, wave_BT.shape[1] - 1)).masked_fill(~inside_BT, 0)
        return zero_padding(shifted_BT, lengths_B), lengths_B

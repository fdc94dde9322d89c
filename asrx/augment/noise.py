"""Additive noise."""

from __future__ import annotations

import torch
from torch import nn

from asrx.augment.arguments import interval, share
from asrx.masking import zero_padding
from asrx.types import Augment


class WhiteNoise(nn.Module, Augment):
    """Gaussian noise at a signal-to-noise ratio drawn for each utterance; the padding stays zero.

    Args:
        snr_db: lowest and highest ratio of the utterance's power to the noise's, in dB; drawn uniformly.
        probability: share of the utterances that get noise.

    Raises:
        UserError: an argument is not what it should be.
    """

    def __init__(self, snr_db: tuple[float, float] = (5.0, 30.0), probability: float = 0.5):
        super().__init__()
        self.low, self.high = interval("snr_db", snr_db)
        self.probability = share("probability", probability)

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T) and lengths in samples to the same, noisy."""
        draw = torch.rand(2, len(lengths_B), 1, device=wave_BT.device)
        snr_B1 = self.low + draw[0] * (self.high - self.low)
        power_B1 = wave_BT.square().sum(1, keepdim=True) / lengths_B[:, None].clamp_min(1)
        scale_B1 = (power_B1 / 10 ** (snr_B1 / 10)).sqrt() * (draw[1] < self.probability)
        return wave_BT + zero_padding(torch.randn_like(wave_BT), lengths_B) * scale_B1, lengths_B

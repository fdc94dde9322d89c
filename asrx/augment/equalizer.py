"""Other microphones and rooms, roughly: a random frequency response."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from asrx.augment.arguments import from_zero, share, whole
from asrx.masking import zero_padding
from asrx.types import Augment


class Equalizer(nn.Module, Augment):
    """Filter each utterance with a frequency response of its own, straight in decibels between a few points.

    The points lie evenly from 0 to half the sample rate; the phase stays.

    Args:
        gain_db: largest gain or loss at a point, in dB; drawn uniformly.
        points: at least two.
        probability: share of the utterances that are filtered.

    Raises:
        UserError: an argument is not what it should be.
    """

    def __init__(self, gain_db: float = 8.0, points: int = 6, probability: float = 1.0):
        super().__init__()
        self.gain_db, self.points = from_zero("gain_db", gain_db), whole("points", points, least=2)
        self.probability = share("probability", probability)

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T) and lengths in samples to the same, filtered."""
        time, device = wave_BT.shape[1], wave_BT.device
        # room behind the end, or what rings on would come round to the beginning
        spectrum_BF = torch.fft.rfft(wave_BT, 1 << (2 * time - 1).bit_length())
        gain_B1P = self.gain_db * (2 * torch.rand(len(wave_BT), 1, self.points, device=device) - 1)
        gain_B1P = gain_B1P * (torch.rand(len(wave_BT), 1, 1, device=device) < self.probability)
        gain_BF = functional.interpolate(gain_B1P, spectrum_BF.shape[1], mode="linear", align_corners=True)[:, 0]
        filtered_BT = torch.fft.irfft(spectrum_BF * 10 ** (gain_BF / 20))[:, :time]
        return zero_padding(filtered_BT, lengths_B), lengths_B

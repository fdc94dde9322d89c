"""Time stretching."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import nn

from asrx.augment.vocoder import stretch, window_samples
from asrx.types import Augment, UserError


class TimeStretch(nn.Module, Augment):
    """Play each utterance at a rate drawn from a list, at the same pitch.

    As librosa.effects.time_stretch, for whole batches; see asrx.augment.vocoder.

    Args:
        sample_rate: of the waves, in Hz.
        rates: each as likely as the others; 2 is twice as fast, so half as long. Rounded to fractions of denominators
            up to 100.
        window: of the phase vocoder, in seconds. Long enough to tell the harmonics of a voice from each other, short
            enough to keep its consonants; librosa's 2,048 samples are 0.093 s at 22,050 Hz.

    Attributes:
        shortest: smallest length that can come out, as a share of the length that went in.

    Raises:
        UserError: there are no rates, or one is not above 0.
    """

    def __init__(self, sample_rate: int, rates: Sequence[float] = (0.8, 1.0, 1.25), window: float = 0.064):
        super().__init__()
        self.rates = [Fraction(rate).limit_denominator(100) for rate in rates]
        if not self.rates or min(self.rates) <= 0:
            raise UserError(f"TimeStretch: rates is {list(rates)}: give one or more above 0.01, such as [0.8, 1.25].")
        self.window = window_samples(window, sample_rate)
        self.shortest = float(1 / max(self.rates))

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T) and lengths in samples to the same, at other lengths."""
        choice_B = torch.randint(len(self.rates), (len(lengths_B),))
        return stretch(wave_BT, lengths_B, self.rates, choice_B, self.window)

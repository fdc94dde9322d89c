"""Speed perturbation."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import nn

from asrx.augment.resampling import play
from asrx.types import Augment, UserError


class Speed(nn.Module, Augment):
    """Play each utterance at a speed drawn from a list; pitch and tempo change together (Ko et al. 2015, "Audio
    augmentation for speech recognition", https://www.isca-archive.org/interspeech_2015/ko15_interspeech.html).

    Args:
        factors: speeds, each as likely as the others; 1.1 is faster and higher, at a length of 1/1.1. Rounded to
            fractions of denominators up to 100.

    Attributes:
        shortest: smallest length that can come out, as a share of the length that went in.

    Raises:
        UserError: there are no factors, or one is not above 0.
    """

    def __init__(self, factors: Sequence[float] = (0.9, 1.0, 1.1)):
        super().__init__()
        self.factors = [Fraction(factor).limit_denominator(100) for factor in factors]
        if not self.factors or min(self.factors) <= 0:
            raise UserError(f"Speed: factors is {list(factors)}: give one or more above 0.01, such as [0.9, 1.0, 1.1].")
        self.shortest = float(1 / max(self.factors))

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T) and lengths in samples to the same, at other lengths."""
        choice_B = torch.randint(len(self.factors), (len(lengths_B),))
        return play(wave_BT, lengths_B, self.factors, choice_B)

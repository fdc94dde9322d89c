"""Pitch shifting."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import nn

from asrx.augment.resampling import play
from asrx.augment.vocoder import stretch, window_samples
from asrx.masking import zero_padding
from asrx.types import Augment, UserError


class PitchShift(nn.Module, Augment):
    """Raise or lower each utterance by a number of semitones drawn from a list, at the same length.

    As librosa.effects.pitch_shift, for whole batches: stretched by the phase vocoder, then resampled to the length it
    had. The formants move with the pitch.

    Args:
        sample_rate: of the waves, in Hz.
        semitones: each as likely as the others; 12 double every frequency. The factors are rounded to fractions of
            denominators up to 100, 0.1 cents off for one semitone and 8 at the most.
        window: of the phase vocoder, in seconds; see asrx.augment.time_stretch.

    Raises:
        UserError: there are no semitones, or one lies outside -24 to 24.
    """

    def __init__(self, sample_rate: int, semitones: Sequence[float] = (-1, 0, 1), window: float = 0.064):
        super().__init__()
        if not semitones or max(map(abs, semitones)) > 24:
            raise UserError(f"PitchShift: semitones is {list(semitones)}: give one or more from -24 to 24.")
        self.factors = [Fraction(2 ** (n / 12)).limit_denominator(100) for n in semitones]
        self.window = window_samples(window, sample_rate)

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T) and lengths in samples to the same, higher or lower."""
        choice_B = torch.randint(len(self.factors), (len(lengths_B),))
        rates = [1 / factor for factor in self.factors]
        long_BT, long_B = stretch(wave_BT, lengths_B, rates, choice_B, self.window)
        shifted_BT, _ = play(long_BT, long_B, self.factors, choice_B)
        return zero_padding(shifted_BT[:, : wave_BT.shape[1]], lengths_B), lengths_B

from __future__ import annotations

from math import log2

import pytest
import torch
from signals import RATE, padded, pitch, sines

from asrx.augment.pitch_shift import PitchShift
from asrx.types import UserError


@pytest.mark.parametrize(
    ("semitones", "factor"), [(-12, 0.5), (-1, 0.943874), (0, 1.0), (1, 1.059463), (3, 1.189207), (12, 2.0)]
)
def test_pitch_changes_and_length_stays(semitones, factor):
    wave, lengths = sines(500, [8000, 5001])
    shifted, shifted_lengths = PitchShift(RATE, [semitones])(wave, lengths)
    assert shifted.shape == wave.shape
    assert torch.equal(shifted_lengths, lengths)
    for row, n in zip(shifted, lengths.tolist(), strict=True):
        assert abs(1200 * log2(pitch(row[:n]) / (500 * factor))) < 2  # cents
        assert row[n - n // 10 : n].square().mean() > 0.2, "the sound lasts to the end"
        assert not row[n:].any()


def test_each_utterance_draws_its_own_pitch():
    torch.manual_seed(0)
    wave, lengths = sines(500, [2000] * 60)
    pitches = torch.tensor([pitch(row) for row in PitchShift(RATE, [-12, 0, 12])(wave, lengths)[0]])
    for hertz in (250, 500, 1000):
        assert 10 < (abs(pitches - hertz) < 5).sum() < 30


def test_neighbours_change_nothing():
    wave, lengths = padded(torch.randn(2, 3000), torch.tensor([1001, 3000]))
    shift = PitchShift(RATE, [1])
    together, _ = shift(wave, lengths)
    alone, _ = shift(wave[:1, :1001], lengths[:1])
    torch.testing.assert_close(together[0, :1001], alone[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("semitones", [[], [1, 25]])
def test_semitones_that_cannot_be(semitones):
    with pytest.raises(UserError, match="semitones"):
        PitchShift(RATE, semitones)

"""Several readings of an utterance."""

from __future__ import annotations

import pytest
from signals import pitch, sines

from asrx.augment.test_time import Speeds
from asrx.types import UserError


def test_every_utterance_is_read_at_every_speed():
    wave, lengths = sines(500, [8000, 4000])
    factors = (0.8, 1.0, 1.25)
    for (played, played_lengths), factor in zip(Speeds(factors)(wave, lengths), factors, strict=True):
        assert played_lengths.tolist() == [8000 / factor, 4000 / factor]
        for row, n in zip(played, played_lengths.tolist(), strict=True):
            assert pitch(row[:n]) == pytest.approx(500 * factor, rel=1e-4)


def test_a_speed_of_nothing_is_refused():
    with pytest.raises(UserError, match="factors is"):
        Speeds([1.0, 0.0])

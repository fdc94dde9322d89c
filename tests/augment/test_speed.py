from __future__ import annotations

import pytest
import torch
from signals import padded, pitch, sines

from asrx.augment.speed import Speed
from asrx.types import UserError


@pytest.mark.parametrize("factor", [0.7, 0.9, 1.0, 1.1, 2.0])
def test_pitch_and_length_change_together(factor):
    wave, lengths = sines(500, [8000, 5001])
    played, played_lengths = Speed([factor])(wave, lengths)
    for row, n, before in zip(played, played_lengths.tolist(), lengths.tolist(), strict=True):
        assert n == pytest.approx(before / factor, abs=1)
        assert pitch(row[:n]) == pytest.approx(500 * factor, rel=1e-4)
        assert not row[n:].any()
        assert float(row[:n].square().mean()) == pytest.approx(0.5, abs=0.01)


def test_utterances_draw_their_own_factors():
    torch.manual_seed(0)
    _, lengths = Speed([0.5, 1.0, 2.0])(torch.randn(300, 100), torch.full((300,), 100))
    for n in (200, 100, 50):
        assert 70 < (lengths == n).sum() < 130


def test_neighbours_change_nothing():
    wave, lengths = padded(torch.randn(2, 3000), torch.tensor([1001, 3000]))
    speed = Speed([1.1])
    together, together_lengths = speed(wave, lengths)
    alone, alone_lengths = speed(wave[:1, :1001], lengths[:1])
    n = int(alone_lengths[0])
    assert n == together_lengths[0] == alone.shape[1]
    torch.testing.assert_close(together[0, :n], alone[0])


def test_the_shortest_is_told():
    speed = Speed([0.9, 1.1])
    assert speed.shortest == pytest.approx(1 / 1.1)
    _, lengths = speed(torch.zeros(50, 997), torch.full((50,), 997))
    assert lengths.min() >= 997 * speed.shortest


@pytest.mark.parametrize("factors", [[], [1.0, 0.0], [-1.0]])
def test_speeds_that_cannot_be(factors):
    with pytest.raises(UserError, match="factors"):
        Speed(factors)

from __future__ import annotations

import pytest
import torch
from signals import RATE, padded, pitch, sines

from asrx.augment.time_stretch import TimeStretch
from asrx.types import UserError


@pytest.mark.parametrize("rate", [0.7, 0.8, 1.25, 2.0])
def test_length_changes_and_pitch_stays(rate):
    wave, lengths = sines(500, [8000, 5001])
    stretched, stretched_lengths = TimeStretch(RATE, [rate])(wave, lengths)
    for row, n, before in zip(stretched, stretched_lengths.tolist(), lengths.tolist(), strict=True):
        assert n == pytest.approx(before / rate, abs=1)
        assert pitch(row[:n]) == pytest.approx(500, rel=1e-4)
        assert row[n - n // 10 : n].square().mean() > 0.2, "the sound lasts to the end"
        assert not row[n:].any()


@pytest.mark.parametrize(("rate", "tolerance"), [(0.5, 0.002), (0.8, 0.016)])  # 0.016 s is a hop
def test_what_happened_comes_earlier_or_later(rate, tolerance):
    """Two bursts of different pitch are as far apart as the rate says."""
    time = torch.arange(16000) / RATE
    first, second = torch.exp(-(((time - 0.5) / 0.05) ** 2)), torch.exp(-(((time - 1.5) / 0.05) ** 2))
    wave = first * torch.sin(2 * torch.pi * 400 * time) + second * torch.sin(2 * torch.pi * 900 * time)
    stretched, _ = TimeStretch(RATE, [rate])(wave[None], torch.tensor([16000]))
    loudness = stretched[0].square()
    at = torch.arange(len(loudness)) / RATE
    centres = [float((part * t).sum() / part.sum()) for part, t in zip(loudness.chunk(2), at.chunk(2), strict=True)]
    assert centres == pytest.approx([0.5 / rate, 1.5 / rate], abs=tolerance)


def test_each_utterance_draws_its_own_rate_and_neighbours_change_nothing():
    torch.manual_seed(0)
    lengths = torch.tensor([1001, 3000, 2500, 700, 2999, 1800, 2000, 1234])
    wave, _ = padded(torch.randn(8, 3000), lengths)
    together, together_lengths = TimeStretch(RATE, [0.8, 1.0, 1.25])(wave, lengths)
    drawn = (lengths / together_lengths * 100).round() / 100
    assert set(drawn.tolist()) == set(torch.tensor([0.8, 1.0, 1.25]).tolist())
    for i, rate in enumerate(drawn.tolist()):
        alone, (n,) = TimeStretch(RATE, [rate])(wave[i : i + 1, : lengths[i]], lengths[i : i + 1])
        assert n == together_lengths[i] == alone.shape[1]
        torch.testing.assert_close(together[i, :n], alone[0], atol=1e-5, rtol=1e-4)
        assert not together[i, n:].any()
        if rate == 1:
            assert torch.equal(alone[0], wave[i, : lengths[i]])


def test_silence_stays_silence():
    stretched, lengths = TimeStretch(RATE, [0.8])(torch.zeros(2, 1000), torch.tensor([1000, 0]))
    assert lengths.tolist() == [1250, 0]
    assert not stretched.any()


def test_the_shortest_is_told():
    stretch = TimeStretch(RATE, [0.8, 1.25])
    assert stretch.shortest == 0.8
    assert stretch(torch.zeros(50, 997), torch.full((50,), 997))[1].min() >= 997 * stretch.shortest


@pytest.mark.parametrize("rates", [[], [1.0, 0.0], [-1.0]])
def test_rates_that_cannot_be(rates):
    with pytest.raises(UserError, match="rates"):
        TimeStretch(RATE, rates)

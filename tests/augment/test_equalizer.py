from __future__ import annotations

import torch

from asrx.augment.equalizer import Equalizer


def response(gain_db: float, points: int) -> torch.Tensor:
    """What 300 clicks come out as: gain in dB, (300, bins)."""
    click = torch.zeros(300, 512)
    click[:, 256] = 1
    torch.manual_seed(0)
    out, _ = Equalizer(gain_db, points)(click, torch.full((300,), 512))
    return 20 * torch.fft.rfft(out).abs().log10()


def test_gains_are_in_decibels_and_their_own_for_each_utterance():
    ends = response(12.0, 2)[:, [0, -1]]
    assert 11 < ends.max() < 12.5
    assert -12.5 < ends.min() < -11
    assert len({round(float(gain), 3) for gain in ends[:, 0]}) > 250


def test_two_points_make_a_straight_line():
    gains = response(12.0, 2)
    middle = (gains[:, 0] + gains[:, -1]) / 2
    assert (gains[:, gains.shape[1] // 2] - middle).abs().max() < 0.3


def test_probability():
    wave = torch.randn(1000, 64)
    out, _ = Equalizer(probability=0.25)(wave, torch.full((1000,), 64))
    changed = ((out - wave).abs().amax(1) > 1e-4).float().mean()
    assert abs(changed - 0.25) < 0.05


def test_the_end_does_not_ring_into_the_beginning():
    wave = torch.zeros(50, 100)
    wave[:, -1] = 1
    out, _ = Equalizer(24.0, 12)(wave, torch.full((50,), 100))
    assert out[:, :20].abs().max() < 0.05

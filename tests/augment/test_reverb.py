from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch
from signals import RATE, padded

from asrx.augment.reverb import Reverb
from asrx.types import UserError


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def room(tmp_path, **responses) -> Reverb:
    for name, response in responses.items():
        soundfile.write(tmp_path / f"{name}.wav", np.asarray(response), RATE, subtype="FLOAT")
    return Reverb(str(tmp_path), RATE, probability=1.0)


def decay(length: int) -> np.ndarray:
    """A room: the direct sound after 5 ms, then noise that dies away."""
    tail = np.random.default_rng(0).normal(0, 0.2, length) * np.exp(-np.arange(length) / 400)
    tail[:40] = 0
    tail[40] = 1
    return tail


def test_an_impulse_alone_changes_nothing_wherever_it_lies(tmp_path):
    wave, lengths = padded(torch.randn(3, 900), torch.tensor([900, 500, 10]))
    wet, after = room(tmp_path, a=[1.0], b=[0.0] * 37 + [-0.0, 0.5], c=[0.0] * 2000 + [0.3])(wave, lengths)
    torch.testing.assert_close(wet, wave, atol=1e-5, rtol=1e-4)
    assert torch.equal(after, lengths)


def test_an_echo_comes_when_the_response_says(tmp_path):
    wave = torch.zeros(1, 400)
    wave[0, 50] = 1
    wet, _ = room(tmp_path, a=[0.1, 0.0, 0.8] + [0.0] * 99 + [0.4])(wave, torch.tensor([400]))
    assert wet[0].abs().argmax() == 50
    assert float(wet[0, 150] / wet[0, 50]) == pytest.approx(0.5, abs=1e-4)
    assert float(wet[0, 48] / wet[0, 50]) == pytest.approx(0.125, abs=1e-4)


def test_energy_stays_and_padding_stays_zero(tmp_path):
    wave, lengths = padded(torch.randn(3, 3000), torch.tensor([3000, 1700, 900]))
    wet, _ = room(tmp_path, a=decay(4000))(wave, lengths)
    torch.testing.assert_close(wet.square().sum(1), wave.square().sum(1))
    assert not torch.allclose(wet, wave, atol=0.1)
    for row, n in zip(wet, lengths.tolist(), strict=True):
        assert not row[n:].any()


def test_neighbours_change_nothing(tmp_path):
    wave, lengths = padded(torch.randn(2, 3000), torch.tensor([1001, 3000]))
    reverb = room(tmp_path, a=decay(2000))
    together, _ = reverb(wave, lengths)
    alone, _ = reverb(wave[:1, :1001], lengths[:1])
    torch.testing.assert_close(together[0, :1001], alone[0], atol=1e-5, rtol=1e-4)


def test_each_utterance_draws_its_room(tmp_path):
    wave = torch.zeros(300, 50)
    wave[:, 0] = 1
    reverb = room(tmp_path, a=[1.0, 0.5], b=[1.0, 0.0, 0.5], c=[1.0])
    wet, _ = reverb(wave, torch.full((300,), 50))
    for echo in (1, 2):
        assert 70 < (wet[:, echo] > 0.1).sum() < 130


def test_it_comes_as_often_as_was_asked_for(tmp_path):
    room(tmp_path, a=decay(100))
    wave = torch.randn(2000, 10)
    wet, _ = Reverb(str(tmp_path), RATE, probability=0.25)(wave, torch.full((2000,), 10))
    assert abs((wet != wave).any(1).float().mean() - 0.25) < 0.04


def test_silence_stays_as_it_is_and_a_silent_room_is_told(tmp_path):
    with pytest.raises(UserError, match=r"a\.wav holds nothing but silence"):
        room(tmp_path, a=[0.0] * 10)(torch.randn(1, 100), torch.tensor([100]))
    assert not room(tmp_path, a=decay(60))(torch.zeros(1, 100), torch.tensor([100]))[0].any()


def test_only_the_first_channel_of_a_response_counts(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.array([[1.0, 0.5], [0.0, 0.5]]), RATE, subtype="FLOAT")
    wave = torch.randn(1, 100)
    wet, _ = Reverb(str(tmp_path), RATE, probability=1.0)(wave, torch.tensor([100]))
    torch.testing.assert_close(wet, wave, atol=1e-5, rtol=1e-4)


def test_what_lasts_longer_than_any_room_is_told(tmp_path):
    """Padded to an hour of noise, a few rooms would fill the memory."""
    with pytest.raises(UserError, match=r"a\.wav lasts longer than any room rings, 30 s: take it out"):
        room(tmp_path, a=np.full(31 * RATE, 0.1))(torch.zeros(1, 10), torch.tensor([10]))

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import soundfile
import torch
from signals import RATE, padded, pitch

from asrx.augment.background_noise import BackgroundNoise
from asrx.types import UserError

TIME = np.arange(3 * RATE) / RATE


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def folder(tmp_path, **waves):
    for name, wave in waves.items():
        soundfile.write(tmp_path / f"{name}.wav", wave, RATE)
    return str(tmp_path)


def test_it_is_at_the_ratio_that_was_asked_for(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * RATE)
    augment = BackgroundNoise(folder(tmp_path, a=noise, b=noise[:700]), RATE, (10.0, 10.0), 1.0)
    wave, lengths = padded(0.1 * torch.randn(4, 6000), torch.tensor([6000, 1500, 3000, 5999]))
    noisy, after = augment(wave, lengths)
    assert torch.equal(after, lengths)
    for clean, dirty, n in zip(wave, noisy, lengths.tolist(), strict=True):
        ratio = 10 * torch.log10(clean[:n].square().mean() / (dirty - clean)[:n].square().mean())
        assert float(ratio) == pytest.approx(10, abs=0.01)
        assert not dirty[n:].any()


def test_ratios_are_drawn_from_the_range(tmp_path):
    wave = torch.randn(300, 400)
    augment = BackgroundNoise(folder(tmp_path, a=np.sin(TIME * 3000)), RATE, (5.0, 20.0), 1.0)
    added = augment(wave, torch.full((300,), 400))[0] - wave
    ratios = 10 * torch.log10(wave.square().mean(1) / added.square().mean(1))
    assert 4.99 < ratios.min() < 6
    assert 19 < ratios.max() < 20.01


def test_stretches_of_any_recording_from_any_place(tmp_path):
    """A recording that rises from 0 to 1 shows where each stretch began; one of 100 Hz goes round without a break."""
    ramp = np.linspace(0.1, 1, 2000)
    short = 0.5 * np.sin(2 * np.pi * 100 * np.arange(80 * 4) / RATE)
    augment = BackgroundNoise(folder(tmp_path, ramp=ramp, short=short), RATE, (0.0, 0.0), 1.0)
    wave = torch.full((200, 1000), 1e-3)
    added = augment(wave, torch.full((200,), 1000))[0] - wave
    rises = (added.diff(dim=1) > 0).all(1)
    assert 70 < rises.sum() < 130
    begins = (added[:, 0] / added[:, -1])[rises]
    assert begins.min() < 0.25, "near the recording's start"
    assert begins.max() > 0.5, "near its end, and never round it"
    for row in added[~rises][:20]:
        assert pitch(row) == pytest.approx(100, abs=1)
        assert row.diff().abs().max() < 1.2e-4, "no break where it goes round"


def test_another_rate_is_resampled(tmp_path):
    soundfile.write(tmp_path / "a.flac", 0.5 * np.sin(2 * np.pi * 440 * np.arange(44100) / 22050), 22050)
    wave = torch.full((1, 4000), 1e-4)
    noisy, _ = BackgroundNoise(str(tmp_path), RATE, (-40.0, -40.0), 1.0)(wave, torch.tensor([4000]))
    assert pitch(noisy[0]) == pytest.approx(440, abs=0.5)


def test_a_silent_stretch_and_a_silent_utterance_stay_as_they_are(tmp_path):
    mostly_silent = np.zeros(RATE * 60)
    mostly_silent[0] = 0.5
    augment = BackgroundNoise(folder(tmp_path, a=mostly_silent), RATE, probability=1.0)
    wave, lengths = padded(torch.randn(3, 600), torch.tensor([600, 300, 0]))
    assert torch.equal(augment(wave, lengths)[0], wave)
    loud = folder(tmp_path, a=np.full(500, 0.5))
    noisy, _ = BackgroundNoise(loud, RATE, probability=1.0)(torch.zeros(1, 600), torch.tensor([600]))
    assert not noisy.any()


def test_linked_folders_are_heard_and_hidden_files_are_not(tmp_path):
    elsewhere, noises = tmp_path / "elsewhere", tmp_path / "noises"
    elsewhere.mkdir(), (noises / "below").mkdir(parents=True), (noises / ".trash").mkdir()
    soundfile.write(elsewhere / "far.wav", np.sin(TIME), RATE)
    soundfile.write(noises / "below" / "near.WAV", np.sin(TIME), RATE)
    (noises / "linked").symlink_to(elsewhere)
    (noises / "below" / "round").symlink_to(noises)
    for hidden in ("._near.wav", "below/._near.wav", ".trash/old.wav"):
        (noises / hidden).write_bytes(b"not audio")
    augment = BackgroundNoise(str(noises), RATE)
    assert [path.relative_to(noises).as_posix() for path in augment.paths] == ["below/near.WAV", "linked/far.wav"]
    augment(torch.zeros(1, 10), torch.tensor([10]))


@pytest.mark.parametrize("rate", [RATE, RATE // 2])
def test_hours_of_noise_take_no_memory(tmp_path, rate):
    minutes = 10
    with soundfile.SoundFile(tmp_path / "a.wav", "w", rate, 1) as file:
        for _ in range(minutes):
            file.write(np.random.default_rng(0).normal(0, 0.1, 60 * rate))
    augment = BackgroundNoise(str(tmp_path), RATE, probability=1.0)
    tracemalloc.start()
    augment(torch.zeros(8, RATE), torch.full((8,), RATE))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(augment._recordings[0]) == minutes * 60 * RATE
    assert peak < 4 * minutes * 60 * RATE / 2


def test_it_comes_as_often_as_was_asked_for(tmp_path):
    wave = torch.randn(2000, 10)
    noisy, _ = BackgroundNoise(folder(tmp_path, a=np.sin(TIME)), RATE, probability=0.25)(wave, torch.full((2000,), 10))
    assert abs((noisy != wave).any(1).float().mean() - 0.25) < 0.04


def test_what_is_wrong_with_the_folder_is_said(tmp_path):
    with pytest.raises(UserError, match=r"folder=.*nowhere is not a folder"):
        BackgroundNoise(str(tmp_path / "nowhere"), RATE)
    with pytest.raises(UserError, match=r"folder=.* holds no \.wav"):
        BackgroundNoise(str(tmp_path), RATE)
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    with pytest.raises(UserError, match=r"broken\.wav cannot be read"):
        BackgroundNoise(str(tmp_path), RATE)(torch.zeros(1, 10), torch.tensor([10]))
    with pytest.raises(UserError, match=r"broken\.wav holds no samples"):
        BackgroundNoise(folder(tmp_path, broken=np.zeros(0)), RATE)(torch.zeros(1, 10), torch.tensor([10]))
    with pytest.raises(UserError, match=r"broken\.wav holds nothing but silence"):
        BackgroundNoise(folder(tmp_path, broken=np.zeros(99)), RATE)(torch.zeros(1, 10), torch.tensor([10]))

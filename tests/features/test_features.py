from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from asrx.features.logmel import LogMel
from asrx.features.mfcc import MFCC
from asrx.features.raw import Raw
from asrx.types import UserError

WAVE = torch.randn(2, 4000, generator=torch.Generator().manual_seed(0)) * 0.1
LENGTHS = torch.tensor([4000, 2501])
WAVE[1, 2501:] = 0


def test_logmel_is_the_logarithm_of_torchaudio_s():
    from torchaudio.transforms import MelSpectrogram

    mel = MelSpectrogram(8000, n_fft=256, win_length=200, hop_length=80, f_min=20.0, n_mels=40, pad_mode="constant")
    frames, _ = LogMel(8000, normalize="none")(WAVE, torch.tensor([4000, 4000]))
    torch.testing.assert_close(frames, (mel(WAVE).transpose(1, 2) + 1e-6).log())


def test_mfcc_is_torchaudio_s():
    from torchaudio.transforms import MFCC as Reference

    kept = {"n_fft": 256, "win_length": 200, "hop_length": 80, "f_min": 20.0, "n_mels": 40, "pad_mode": "constant"}
    frames, _ = MFCC(8000, normalize="none")(WAVE, torch.tensor([4000, 4000]))
    reference = Reference(8000, 13, log_mels=True, melkwargs=kept)(WAVE).transpose(1, 2)
    torch.testing.assert_close(frames, reference, atol=1e-3, rtol=1e-4)


def test_a_tone_lights_up_its_own_bin():
    tone = torch.sin(2 * math.pi * 1000 * torch.arange(8000) / 8000)[None]
    frames, _ = LogMel(8000, normalize="none")(tone, torch.tensor([8000]))
    mel = 2595 * math.log10(1 + 1000 / 700)
    edges = [2595 * math.log10(1 + f / 700) for f in (20, 4000)]
    expected = (mel - edges[0]) / (edges[1] - edges[0]) * 41 - 1
    assert abs(int(frames[0, 50].argmax()) - expected) <= 1


@pytest.mark.parametrize("features", [LogMel(8000), MFCC(8000), Raw(), Raw(window=100, hop=50)])
def test_utterance_normalisation_over_its_own_frames(features):
    frames, lengths = features(WAVE, LENGTHS)
    for row, n in zip(frames, lengths, strict=True):
        torch.testing.assert_close(row[:n].mean(0), torch.zeros(features.dim), atol=1e-4, rtol=0)
        torch.testing.assert_close(row[:n].var(0, unbiased=False), torch.ones(features.dim), atol=1e-2, rtol=0)


def test_corpus_normalisation_over_all_frames():
    features = LogMel(8000, normalize="corpus")
    features.fit([(WAVE, LENGTHS), (WAVE[:1] * 3, LENGTHS[:1])])
    parts = [
        features(WAVE[i : i + 1, :n] * k, LENGTHS[i : i + 1])[0][0]
        for i, n, k in [(0, 4000, 1), (1, 2501, 1), (0, 4000, 3)]
    ]
    together = torch.cat(parts)
    torch.testing.assert_close(together.mean(0), torch.zeros(40), atol=1e-4, rtol=0)
    torch.testing.assert_close(together.std(0, unbiased=False), torch.ones(40), atol=1e-3, rtol=0)


def test_features_stay_in_float32_under_mixed_precision():
    with torch.autocast("cpu", torch.bfloat16):
        frames, _ = LogMel(8000)(WAVE, LENGTHS)
    assert frames.dtype is torch.float32
    assert torch.equal(frames, LogMel(8000)(WAVE, LENGTHS)[0])


def test_an_unknown_normalisation():
    with pytest.raises(UserError, match=r"features.normalize=all is none of none, utterance, level, corpus"):
        LogMel(8000, normalize="all")


# document 004's settings: 22,050 Hz, windows of 2,048 samples and a hop of 512
PUBLISHED = {"window": 0.09288, "hop": 0.02322, "f_min": 0.0, "mel": "slaney", "log": "db", "normalize": "none"}
CLIP = torch.nn.functional.pad(
    torch.cumsum(torch.randn(1, 12_000, generator=torch.Generator().manual_seed(1)) * 0.01, 1), (0, 17_640 - 12_000)
)
WHOLE = torch.tensor([17_640])


def librosas_levels(n_mels: int) -> np.ndarray:
    """Decibels below the highest energy, (n_mels, frames)."""
    librosa = pytest.importorskip("librosa")
    power = librosa.feature.melspectrogram(y=CLIP[0].numpy(), sr=22_050, n_fft=2048, hop_length=512, n_mels=n_mels)
    return librosa.power_to_db(power, ref=np.max)


def test_slaney_s_mel_in_decibels_is_librosa_s():
    expected = librosas_levels(64)
    frames, lengths = LogMel(22_050, 64, **PUBLISHED)(CLIP, WHOLE)
    assert frames.shape == (1, 35, 64) and lengths.tolist() == [35]
    np.testing.assert_allclose(frames[0].T.numpy(), expected, atol=0.01)
    assert expected.min() == -80, "the clip reaches down to the floor"


def test_mfcc_is_librosa_s():
    librosa = pytest.importorskip("librosa")
    levels = librosas_levels(40)
    expected = librosa.feature.mfcc(S=levels, n_mfcc=13)
    frames, _ = MFCC(22_050, 13, 40, **PUBLISHED)(CLIP, WHOLE)
    np.testing.assert_allclose(frames[0].T.numpy(), expected, atol=0.02)


def test_another_reference_level_moves_the_zeroth_coefficient_alone():
    """librosa's own default is ref=1: with it every level is so many decibels higher."""
    from scipy.fft import dct

    levels = librosas_levels(40) + 17
    expected = dct(levels, axis=0, norm="ortho")[:13]
    frames, _ = MFCC(22_050, 13, 40, **PUBLISHED)(CLIP, WHOLE)
    difference = expected - frames[0].T.numpy()
    np.testing.assert_allclose(difference[0], 17 * 40**0.5, atol=0.02)
    np.testing.assert_allclose(difference[1:], 0, atol=0.02)


def test_levels_are_below_the_utterance_s_own_highest():
    two = torch.cat([CLIP, CLIP * 0.01])
    frames, _ = LogMel(22_050, **PUBLISHED)(two, WHOLE.repeat(2))
    assert frames.amax((1, 2)).tolist() == [0, 0]
    torch.testing.assert_close(frames[0].clamp_min(-40), frames[1].clamp_min(-40), atol=0.01, rtol=0)


def test_a_level_does_not_depend_on_the_padding():
    """The frame behind the last one would hold more of a click at the end than any of the utterance's own."""
    wave = torch.zeros(1, 799)
    wave[0, 300], wave[0, -1] = 0.2, 0.5
    features = LogMel(8000, log="db", normalize="none")
    alone, lengths = features(wave, torch.tensor([799]))
    padded, _ = features(torch.nn.functional.pad(wave, (0, 500)), torch.tensor([799]))
    torch.testing.assert_close(padded[:, : lengths[0]], alone)


@pytest.mark.parametrize("range_db", [80.0, 30.0])
def test_levels_reach_down_to_the_range(range_db):
    frames, _ = LogMel(22_050, **PUBLISHED, range_db=range_db)(CLIP, WHOLE)
    assert (float(frames.min()), float(frames.max())) == (-range_db, 0)


def test_silence_has_a_level():
    frames, _ = LogMel(22_050, **PUBLISHED)(torch.zeros(1, 5000), torch.tensor([5000]))
    assert not frames.any()


def test_whole_numbers_are_cut_towards_zero():
    exact, _ = MFCC(22_050, **PUBLISHED)(CLIP, WHOLE)
    whole, _ = MFCC(22_050, **PUBLISHED, integers=True)(CLIP, WHOLE)
    assert exact.min() < -1 and exact.max() > 1
    np.testing.assert_array_equal(whole.numpy(), exact.numpy().astype(int))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LogMel(8000, mel="bark"), r"features.mel=bark is none of htk, slaney"),
        (lambda: LogMel(8000, log="ten"), r"features.log=ten is none of natural, db"),
        (lambda: MFCC(8000, mel="bark"), r"features.mel=bark is none of htk, slaney"),
        (lambda: MFCC(8000, n_mfcc=41), r"features.n_mfcc=41 must not be above features.n_mels=40"),
    ],
)
def test_frames_that_cannot_be_are_told(make, message):
    with pytest.raises(UserError, match=message):
        make()

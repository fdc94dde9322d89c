from __future__ import annotations

import math

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
    with pytest.raises(UserError, match=r"features.normalize=all is none of none, utterance, corpus"):
        LogMel(8000, normalize="all")

from __future__ import annotations

import math

import librosa
import numpy as np
import pytest
import torch

from asrx.features.cqt import CQT, FLOOR
from asrx.types import UserError

RATE = 16000
SWEEP = torch.sin(2 * math.pi * torch.cumsum(torch.linspace(80, 6000, RATE), 0) / RATE) * torch.hann_window(RATE)


def test_it_is_librosa_s():
    features = CQT(RATE, f_min=65.4, n_bins=80, normalize="none")
    frames, lengths = features(SWEEP[None], torch.tensor([RATE]))
    expected = abs(
        librosa.cqt(SWEEP.numpy(), sr=RATE, hop_length=160, fmin=65.4, n_bins=80, sparsity=0, pad_mode="constant")
    )
    assert expected.shape == (80, int(lengths[0]))
    ours = (frames[0].exp() - FLOOR).clamp_min(0).sqrt().T.numpy()
    # librosa resamples the low octaves
    assert np.linalg.norm(ours - expected) < 0.01 * np.linalg.norm(expected)
    np.testing.assert_allclose(ours, expected, atol=0.02 * expected.max())


def test_its_filters_are_librosa_s():
    wavelets, lengths = librosa.filters.wavelet(freqs=65.4 * 2 ** (np.arange(80) / 12), sr=RATE, pad_fft=False, norm=1)
    around = wavelets.shape[1] // 2
    wave = torch.randn(RATE, generator=torch.Generator().manual_seed(0))
    frames, _ = CQT(RATE, f_min=65.4, n_bins=80, normalize="none")(wave[None], torch.tensor([RATE]))
    sound = np.pad(wave.numpy(), (around, around + 1))[8000 : 8000 + wavelets.shape[1]]
    expected = abs(wavelets.conj() @ sound) * np.sqrt(lengths)
    np.testing.assert_allclose((frames[0, 50].exp() - FLOOR).sqrt(), expected, rtol=1e-3)


def test_a_tone_of_a_bin_is_loudest_there():
    tone = torch.sin(2 * math.pi * 65.4 * 2**3 * torch.arange(RATE) / RATE)[None]
    frames, _ = CQT(RATE, normalize="none")(tone, torch.tensor([RATE]))
    assert int(frames[0, 50].argmax()) == 36


@pytest.mark.parametrize("arguments", [{"n_bins": 200}, {"f_min": 9000.0}, {"n_bins": 0}])
def test_bins_that_do_not_fit_are_told(arguments):
    with pytest.raises(UserError, match=r"features\.n_bins"):
        CQT(RATE, **arguments)

"""Kaldi's filterbank."""

from __future__ import annotations

import math

import torch

from asrx.features.base import samples
from asrx.features.fbank import WINDOW, Fbank, fft_size

LOWEST, BELOW_NYQUIST = 20.0, 400.0  # Hz


class Kaldi(Fbank):
    """Kaldi's log-mel energies (https://kaldi-asr.org/doc/feat.html), with the options that icefall trains with and
    sherpa-onnx computes: no dither, Povey's window, filters from 20 Hz to 400 Hz below half the sample rate.

    Args:
        sample_rate: of the waveforms, in Hz.
        n_mels: number of filters.
        normalize: see `Features`.
    """

    def __init__(self, sample_rate: int, n_mels: int = 80, normalize: str = "utterance"):
        n = samples(WINDOW, sample_rate)
        povey_N = torch.hann_window(n, periodic=False, dtype=torch.float64) ** 0.85
        super().__init__(sample_rate, normalize, povey_N, _filters(sample_rate, n_mels), centred=True)


def _filters(sample_rate: int, n_mels: int) -> torch.Tensor:
    """Triangles on the mel scale, (bins, n_mels); torchaudio's are straight on the scale of Hz."""
    n_fft = fft_size(sample_rate)
    low, high = _mel(LOWEST), _mel(sample_rate / 2 - BELOW_NYQUIST)
    step = (high - low) / (n_mels + 1)
    hertz_K = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * sample_rate / n_fft
    mel_K1 = 1127 * (1 + hertz_K / 700).log()[:, None]
    left_F = low + step * torch.arange(n_mels, dtype=torch.float64)
    filters_KF = torch.minimum((mel_K1 - left_F) / step, (left_F + 2 * step - mel_K1) / step).clamp_min(0)
    filters_KF[-1] = 0  # Kaldi leaves the last bin out
    return filters_KF


def _mel(hertz: float) -> float:
    return 1127 * math.log(1 + hertz / 700)

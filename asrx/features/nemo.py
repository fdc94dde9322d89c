"""NeMo's filterbank."""

from __future__ import annotations

import torch

from asrx.features.base import samples
from asrx.features.fbank import WINDOW, Fbank, fft_size


class Nemo(Fbank):
    """Log-mel energies in librosa's manner, as sherpa-onnx computes them for models of NeMo: Hann's window, Slaney's
    filters from 0 Hz to half the sample rate.

    NeMo's own preprocessor differs a little: it emphasises the whole waveform before it is framed, and centres frames
    on multiples of the hop.

    Args:
        sample_rate: of the waveforms, in Hz.
        n_mels: number of filters.
        normalize: see `Features`.
    """

    def __init__(self, sample_rate: int, n_mels: int = 80, normalize: str = "utterance"):
        from torchaudio.functional import melscale_fbanks

        bins = fft_size(sample_rate) // 2 + 1
        filters_KF = melscale_fbanks(bins, 0.0, sample_rate / 2, n_mels, sample_rate, "slaney", "slaney")
        hann_N = torch.hann_window(samples(WINDOW, sample_rate), dtype=torch.float64)
        super().__init__(sample_rate, normalize, hann_N, filters_KF, centred=False)

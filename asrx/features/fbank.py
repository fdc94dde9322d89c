"""Log-mel filterbank energies as speech engines compute them."""

from __future__ import annotations

import math

import torch

from asrx.features.base import Features, power_of_two, samples
from asrx.features.spectrum import PowerSpectrum

WINDOW, HOP = 0.025, 0.010  # s
PREEMPHASIS = 0.97


class Fbank(Features):
    """Log-mel energies with the framing of Kaldi's `snip_edges=false`: (B, T samples) to (B, T / hop, n_mels), rounded.

    Frame i is centred on the middle of the i-th hop; the signal is mirrored at both ends, each utterance at its own.
    A subclass says what window and which filters.

    Args:
        sample_rate: of the waveforms, in Hz.
        normalize: see `Features`.
        window_N: (window,) float64.
        filters_KF: (n_fft // 2 + 1, n_mels), of the power spectrum.
        centred: see `PowerSpectrum`.
    """

    def __init__(
        self,
        sample_rate: int,
        normalize: str,
        window_N: torch.Tensor,
        filters_KF: torch.Tensor,
        centred: bool,
    ):
        super().__init__(filters_KF.shape[1], normalize)
        self.hop = samples(HOP, sample_rate)
        self.reach = math.ceil(len(window_N) / self.hop)
        self.spectrum = PowerSpectrum(window_N, self.hop, 2 * (len(filters_KF) - 1), centred, PREEMPHASIS)
        self.register_buffer("filters_KF", filters_KF.float(), persistent=False)

    def frames(self, n_samples):
        return (n_samples + self.hop // 2) // self.hop

    def extract(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        energy_BTF = self.spectrum(self._mirrored(wave_BT, lengths_B)) @ self.filters_KF
        return energy_BTF.clamp_min(torch.finfo(torch.float32).eps).log()

    def _mirrored(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """The samples that the frames of the whole batch look at."""
        window = len(self.spectrum.window_N)
        count = self.frames(wave_BT.shape[1])
        at_T = torch.arange((count - 1) * self.hop + window, device=wave_BT.device) - (window // 2 - self.hop // 2)
        at_T = torch.where(at_T < 0, -at_T - 1, at_T)
        end_B1 = lengths_B[:, None]
        at_BT = torch.where(at_T >= end_B1, 2 * end_B1 - 1 - at_T, at_T)
        return wave_BT.gather(1, at_BT.clamp_min(0).minimum(end_B1 - 1))


def fft_size(sample_rate: int) -> int:
    """Of the FFT for `WINDOW`."""
    return power_of_two(samples(WINDOW, sample_rate))

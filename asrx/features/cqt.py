"""Constant-Q transform."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from asrx.features.base import Features, samples
from asrx.types import UserError

FLOOR = 1e-6  # of the power, before its logarithm


class CQT(Features):
    """Log power of the constant-Q transform, (B, T samples) to (B, 1 + T // hop, bins).

    Filters are equally far apart in pitch and each is as long as its bandwidth requires, so low bins are sharp in
    frequency and high bins in time. Values are those of librosa's `cqt` (Hann windows of norm one, scaled), squared;
    librosa computes low octaves from a resampled signal, here all filters see the samples. Frames are centred on
    multiples of the hop, and zeros go on at both ends. Convolutions, an octave at a time, export as they are.

    Args:
        sample_rate: of the waveforms, in Hz.
        f_min: centre of the lowest bin, in Hz.
        bins_per_octave: number of them.
        n_bins: number of all bins; None is all whose filters end below half the sample rate.
        hop: step from frame to frame, in seconds.
        normalize: see `Features`.

    Raises:
        UserError: bins that do not fit below half the sample rate.
    """

    def __init__(
        self,
        sample_rate: int,
        f_min: float = 65.4,
        bins_per_octave: int = 12,
        n_bins: int | None = None,
        hop: float = 0.010,
        normalize: str = "utterance",
    ):
        if not f_min > 0 or bins_per_octave < 1:
            raise UserError(f"features.f_min={f_min} and features.bins_per_octave={bins_per_octave} must be above 0.")
        squared = 2 ** (2 / bins_per_octave)
        quality = (squared + 1) / (squared - 1)
        widest = 1 + 0.75 / quality  # Hann's window is 1.5 bins wide
        fitting = math.floor(bins_per_octave * math.log2(sample_rate / 2 / widest / f_min)) + 1
        if not 1 <= (fitting if n_bins is None else n_bins) <= fitting:
            raise UserError(
                f"features.n_bins={n_bins} from features.f_min={f_min} Hz on is not between 1 and the "
                f"{max(0, fitting)} that fit below half of {sample_rate} Hz: change features.n_bins, "
                "features.f_min or dataset.sample_rate."
            )
        super().__init__(n_bins or fitting, normalize)
        self.hop = samples(hop, sample_rate)
        filters = [_filter(f_min * 2 ** (i / bins_per_octave), quality, sample_rate) for i in range(self.dim)]
        octaves = [filters[i : i + bins_per_octave] for i in range(0, self.dim, bins_per_octave)]
        self.octaves = len(octaves)
        for i, octave in enumerate(octaves):
            self.register_buffer(f"octave{i}_K1N", _kernel(octave), persistent=False)
        self.reach = math.ceil(len(filters[0]) / 2 / self.hop)

    def frames(self, n_samples):
        return n_samples // self.hop + 1

    def extract(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        power_BKT = [self._power(wave_BT, getattr(self, f"octave{i}_K1N")) for i in range(self.octaves)]
        return (torch.cat(power_BKT, 1).transpose(1, 2) + FLOOR).log()

    def _power(self, wave_BT: torch.Tensor, kernel_K1N: torch.Tensor) -> torch.Tensor:
        """Of the bins of one octave, (B, K, T)."""
        around = kernel_K1N.shape[2] // 2
        parts_BKT = functional.conv1d(
            functional.pad(wave_BT, (around, around + 1))[:, None], kernel_K1N, stride=self.hop
        )
        real_BKT, imaginary_BKT = parts_BKT.chunk(2, 1)
        return real_BKT.square() + imaginary_BKT.square()


def _filter(hertz: float, quality: float, sample_rate: int) -> torch.Tensor:
    """(N,) complex128, from N // 2 samples before the frame's centre on, as in librosa."""
    length = quality * sample_rate / hertz
    time_N = torch.arange(math.floor(-length / 2), math.floor(length / 2), dtype=torch.float64)
    window_N = torch.hann_window(len(time_N), periodic=True, dtype=torch.float64)
    return torch.polar(window_N / window_N.sum() * length**0.5, -2 * math.pi * hertz / sample_rate * time_N)


def _kernel(filters: list[torch.Tensor]) -> torch.Tensor:
    """Cosines above sines, about one centre, (2 K, 1, N) float32 with an odd N."""
    around = max(len(one) // 2 for one in filters)
    padded = [functional.pad(f, (around - len(f) // 2, around + 1 - (len(f) - len(f) // 2))) for f in filters]
    kernel_KN = torch.stack(padded)
    return torch.cat([kernel_KN.real, kernel_KN.imag]).float()[:, None]

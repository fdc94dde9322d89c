"""Pitch and voicing."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from asrx.features.base import Features, power_of_two, samples
from asrx.features.spectrum import PowerSpectrum
from asrx.types import UserError

PERIODS = 3  # of the lowest pitch, in a window
OCTAVE_COST = 0.01  # what a pitch must be better by than the one an octave above it
QUIETEST = 1e-7  # the energy of a frame that counts as silence


class Pitch(Features):
    """Voicing and pitch of each frame, (B, T samples) to (B, 1 + T // hop, 2).

    The first bin is the strength of voicing, 0 to about 1; the second the pitch in octaves above `f_min`, times the
    voicing, so that it fades out where there is none. Both are those of the highest peak of the autocorrelation of a
    Hann window of three periods of `f_min`, divided by the window's own (Boersma 1993, "Accurate short-term analysis of
    the fundamental frequency and the harmonics-to-noise ratio of a sampled sound"), each frame on its own: no path is
    sought through them. Frames are centred on multiples of the hop, and zeros go on at both ends.

    Args:
        sample_rate: of the waveforms, in Hz.
        f_min, f_max: lowest and highest pitch, in Hz.
        hop: step from frame to frame, in seconds.
        normalize: see `Features`.

    Raises:
        UserError: pitches that are out of order or above a quarter of the sample rate.
    """

    def __init__(
        self,
        sample_rate: int,
        f_min: float = 60.0,
        f_max: float = 400.0,
        hop: float = 0.010,
        normalize: str = "utterance",
    ):
        if not 0 < f_min < f_max <= sample_rate / 4:
            raise UserError(
                f"features: a pitch of f_min={f_min} to f_max={f_max} Hz should rise, to at most a quarter of "
                f"{sample_rate} Hz."
            )
        super().__init__(2, normalize)
        self.hop, self.rate, self.f_min = samples(hop, sample_rate), sample_rate, f_min
        width = samples(PERIODS / f_min, sample_rate)
        self.width, n_fft = width, power_of_two(1.5 * width)
        self.reach = math.ceil(width / self.hop)
        self.lowest, highest = math.floor(sample_rate / f_max), math.ceil(sample_rate / f_min)
        window_N = torch.hann_window(width, dtype=torch.float64)
        self.spectrum = PowerSpectrum(window_N, self.hop, n_fft, centred=True)
        lags_L = torch.arange(self.lowest - 1, highest + 2, dtype=torch.float64)
        turns_KL = torch.arange(n_fft // 2 + 1, dtype=torch.float64)[:, None] * lags_L / n_fft
        twice_K1 = torch.full((n_fft // 2 + 1, 1), 2.0, dtype=torch.float64)
        twice_K1[[0, -1]] = 1
        own_L = torch.stack([(window_N[: width - int(lag)] * window_N[int(lag) :]).sum() for lag in lags_L])
        inverse_KL = twice_K1 * (2 * math.pi * turns_KL).cos() * window_N.square().sum() / own_L
        cost_L = OCTAVE_COST * (lags_L * f_min / sample_rate).log2()
        self.register_buffer("inverse_KL", inverse_KL.float(), persistent=False)
        self.register_buffer("twice_K1", twice_K1.float(), persistent=False)
        self.register_buffer("cost_L", cost_L.float(), persistent=False)

    def frames(self, n_samples):
        return n_samples // self.hop + 1

    def extract(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        before = self.width // 2
        power_BTK = self.spectrum(functional.pad(wave_BT, (before, self.width - before)))
        energy_BT1 = power_BTK @ self.twice_K1
        similar_BTL = power_BTK @ self.inverse_KL / (energy_BT1 + QUIETEST * self.spectrum.n_fft)
        best_BT1 = (similar_BTL - self.cost_L)[..., 1:-1].argmax(-1, keepdim=True) + 1
        left, peak, right = (similar_BTL.gather(-1, best_BT1 + far) for far in (-1, 0, 1))
        curved = (2 * peak - left - right).clamp_min(1e-9)
        beside = ((right - left) / (2 * curved)).clamp(-0.5, 0.5)  # the top of the parabola through the three
        lag_BT1 = best_BT1 + self.lowest - 1 + beside
        voicing_BT1 = peak.clamp(0, 1)
        octaves_BT1 = (self.rate / lag_BT1 / self.f_min).log2()
        return torch.cat([voicing_BT1, voicing_BT1 * octaves_BT1], -1)

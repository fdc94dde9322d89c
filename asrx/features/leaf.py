"""A filterbank that learns."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from asrx.features.base import Features, samples
from asrx.features.pcen import MEMORY, Normalisation
from asrx.types import UserError

WIDTH = 0.025  # s, of the filters and of what their energies are averaged over
STEPS = 20  # times in a hop that energies are looked at


class Leaf(Features):
    """LEAF (Zeghidour et al. 2021, https://arxiv.org/abs/2101.08596): Gabor filters, their energies averaged over
    Gaussian windows, and per-channel energy normalisation, all learned with the model, (B, T samples) to
    (B, 1 + T // hop, n_filters).

    Filters begin as wide and as far apart as mel filters. Unlike the paper's, which look at every sample, energies are
    taken twenty times in a hop: they change slowly. Frames are centred on multiples of the hop, and zeros go on at both
    ends. `f_min` and `f_max` bound the first filters alone.

    Args:
        sample_rate: of the waveforms, in Hz.
        n_filters: number of them.
        f_min, f_max: of the lowest and the highest filter at the beginning, in Hz; None is half the sample rate.
        hop: step from frame to frame, in seconds; rounded to twenty equal whole numbers of samples.
        normalize: see `Features`.

    Raises:
        UserError: filters that are out of order or above half the sample rate, or a hop of less than twenty samples.
    """

    def __init__(
        self,
        sample_rate: int,
        n_filters: int = 40,
        f_min: float = 60.0,
        f_max: float | None = None,
        hop: float = 0.010,
        normalize: str = "utterance",
    ):
        highest = sample_rate / 2 if f_max is None else f_max
        if not 0 < f_min < highest <= sample_rate / 2 or n_filters < 1:
            raise UserError(
                f"features: {n_filters} filters from f_min={f_min} to f_max={highest} Hz should be at least one, and "
                f"rise to at most half of {sample_rate} Hz."
            )
        super().__init__(n_filters, normalize)
        self.step = samples(hop, sample_rate) // STEPS
        if not self.step:
            raise UserError(f"features.hop={hop} is less than {STEPS} samples: make it longer.")
        self.hop = self.step * STEPS
        self.around = samples(WIDTH / 2, sample_rate) // self.step * self.step
        mel_N = torch.linspace(_mel(f_min), _mel(highest), n_filters + 2, dtype=torch.float64)
        hertz_N = 700 * ((mel_N / 2595 * math.log(10)).exp() - 1)
        half_power = (2 * math.log(2)) ** 0.5 / math.pi  # of a Gaussian's width in time times that in frequency
        self.centre = nn.Parameter((2 * math.pi * hertz_N[1:-1] / sample_rate).float())
        self.spread = nn.Parameter((half_power * sample_rate / ((hertz_N[2:] - hertz_N[:-2]) / 2)).log().float())
        self.pooling = nn.Parameter(torch.full((n_filters,), math.log(0.4 * self.around)))
        memory = math.ceil(MEMORY * sample_rate / self.hop)
        self.pcen = Normalisation(n_filters, memory, 0.04, 0.96, 2.0, 0.5, learned=True)
        self.reach = math.ceil(2 * self.around / self.hop)
        self.past = self.reach + memory

    def frames(self, n_samples):
        return n_samples // self.hop + 1

    def extract(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        time_N = torch.arange(-self.around, self.around + 1, device=wave_BT.device)
        bell_FN = self._bell(time_N, self.spread)
        turn_FN = self.centre.clamp(0.0, math.pi)[:, None] * time_N
        kernel_FN = torch.cat([bell_FN * turn_FN.cos(), bell_FN * turn_FN.sin()])
        around = 2 * self.around  # the filters', and that of the averages over them
        parts_BFT = functional.conv1d(
            functional.pad(wave_BT, (around, around + 1))[:, None], kernel_FN[:, None], stride=self.step
        )
        real_BFT, imaginary_BFT = parts_BFT.chunk(2, 1)
        energy_BFT = real_BFT.square() + imaginary_BFT.square()
        window_FN = self._bell(time_N[:: self.step], self.pooling)
        mean_BFT = functional.conv1d(energy_BFT, window_FN[:, None], stride=STEPS, groups=self.dim)
        return self.pcen(mean_BFT.transpose(1, 2) * 2.0**15)  # to the levels that PCEN's constants are for

    def _bell(self, time_N: torch.Tensor, width_F: torch.Tensor) -> torch.Tensor:
        """Gaussian windows of sum one, (F, N), of the exponential of the widths, between one sample and all of them."""
        width_F1 = width_F.exp().clamp(1.0, 2.0 * self.around)[:, None]
        bell_FN = (-0.5 * (time_N / width_F1).square()).exp()
        return bell_FN / bell_FN.sum(1, keepdim=True)


def _mel(hertz: float) -> float:
    return 2595 * math.log10(1 + hertz / 700)

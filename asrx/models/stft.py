"""Spectra, and waveforms made of them again."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional


class Stft(nn.Module):
    """Short-time Fourier transform and its inverse, as convolutions, which every engine runs. A window is the root of
    Hann's, both ways, and half of it is the hop, so that spectra left as they are give the waveform back.

    Args:
        n_fft: length of a window in samples, which is even.
    """

    def __init__(self, n_fft: int):
        super().__init__()
        self.hop, self.bins = n_fft // 2, n_fft // 2 + 1
        window_N = torch.hann_window(n_fft, dtype=torch.float64).sqrt()
        turns_KN = torch.outer(torch.arange(self.bins), torch.arange(n_fft)) % n_fft * (2 * math.pi / n_fft)
        kernel_KN = torch.cat([turns_KN.cos(), -turns_KN.sin()]) * window_N
        weight_K = torch.full((self.bins,), 2.0, dtype=torch.float64)
        weight_K[0] = weight_K[-1] = 1.0
        self.register_buffer("forth_K1N", kernel_KN.float()[:, None], persistent=False)
        back_KN = kernel_KN * (weight_K.repeat(2) / n_fft)[:, None]
        self.register_buffer("back_K1N", back_KN.float()[:, None], persistent=False)

    def frames(self, n_samples):
        """Number of frames of `n_samples` samples: each sample is in two; works on integers and on integer tensors."""
        return (n_samples + self.hop - 1) // self.hop + 1

    def forward(self, wave_BT: torch.Tensor) -> torch.Tensor:
        """(B, T) to (B, 2, frames, bins): real and imaginary parts."""
        after = self.frames(wave_BT.shape[1]) * self.hop - wave_BT.shape[1]
        parts_BKT = functional.conv1d(
            functional.pad(wave_BT, (self.hop, after))[:, None], self.forth_K1N, stride=self.hop
        )
        return parts_BKT.unflatten(1, (2, self.bins)).transpose(2, 3)

    def inverse(self, spectrum_B2TF: torch.Tensor, n_samples: int) -> torch.Tensor:
        """(B, 2, frames, bins) to (B, T)."""
        parts_BKT = spectrum_B2TF.transpose(2, 3).flatten(1, 2)
        wave_BT = functional.conv_transpose1d(parts_BKT, self.back_K1N, stride=self.hop)[:, 0]
        return wave_BT[:, self.hop : self.hop + n_samples]

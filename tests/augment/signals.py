"""Sines, and the pitch that comes out."""

from __future__ import annotations

import torch

RATE = 8000


def sines(hertz: float, lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Sines of amplitude 1 at RATE, padded, and their lengths."""
    wave_BT = torch.sin(2 * torch.pi * hertz * torch.arange(max(lengths)) / RATE).repeat(len(lengths), 1)
    return padded(wave_BT, torch.tensor(lengths))


def padded(wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same with zeros past the lengths."""
    for wave_T, n in zip(wave_BT, lengths_B.tolist(), strict=True):
        wave_T[n:] = 0
    return wave_BT, lengths_B


def pitch(wave_T: torch.Tensor) -> float:
    """Frequency of the highest peak of the spectrum, in Hz, between the bins by a parabola through the logarithms."""
    level_F = torch.fft.rfft(wave_T * torch.hann_window(len(wave_T)), 2**17).abs().log()
    i = int(level_F[1:-1].argmax()) + 1
    left, top, right = level_F[i - 1 : i + 2].tolist()
    return (i + (left - right) / (left - 2 * top + right) / 2) * RATE / 2**17

"""Power spectra of frames."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional


class PowerSpectrum(nn.Module):
    """Power of each bin of the FFT, frame by frame: (B, T) to (B, 1 + (T - window) // hop, n_fft // 2 + 1).

    In a model that is exported it is one convolution with the same values: onnxruntime's STFT takes two to three times
    as long. In torch the FFT is the faster one.

    Args:
        window_N: (window,) float64.
        hop: samples from frame to frame.
        n_fft: of the FFT; frames are continued with zeros to it.
        centred: whether each frame's mean is taken off first.
        preemphasis: share of each sample that is taken off the next one, within the frame; off itself for the first.
    """

    def __init__(self, window_N: torch.Tensor, hop: int, n_fft: int, centred: bool = False, preemphasis: float = 0.0):
        super().__init__()
        self.hop, self.n_fft, self.centred, self.preemphasis = hop, n_fft, centred, preemphasis
        self.register_buffer("window_N", window_N.float(), persistent=False)
        self.register_buffer("kernel_K1N", _kernel(window_N, n_fft, centred, preemphasis), persistent=False)

    def forward(self, wave_BT: torch.Tensor) -> torch.Tensor:
        if torch.onnx.is_in_onnx_export():
            parts_BKT = functional.conv1d(wave_BT[:, None], self.kernel_K1N, stride=self.hop)
            real_BKT, imaginary_BKT = parts_BKT.chunk(2, 1)
            return (real_BKT.square() + imaginary_BKT.square()).transpose(1, 2)
        frames_BTN = wave_BT.unfold(1, len(self.window_N), self.hop)
        if self.centred:
            frames_BTN = frames_BTN - frames_BTN.mean(-1, keepdim=True)
        if self.preemphasis:
            before_BTN = torch.cat([frames_BTN[..., :1], frames_BTN[..., :-1]], -1)
            frames_BTN = frames_BTN - self.preemphasis * before_BTN
        return torch.view_as_real(torch.fft.rfft(frames_BTN * self.window_N, self.n_fft)).square().sum(-1)


def _kernel(window_N: torch.Tensor, n_fft: int, centred: bool, preemphasis: float) -> torch.Tensor:
    """All that is done to a frame, as one matrix: cosines above sines, (n_fft + 2, 1, window) float32."""
    n = len(window_N)
    time_N = torch.arange(n, dtype=torch.float64)
    turns_KN = torch.arange(n_fft // 2 + 1, dtype=torch.float64)[:, None] * time_N % n_fft / n_fft
    kernel_KN = torch.cat([(2 * math.pi * turns_KN).cos(), -(2 * math.pi * turns_KN).sin()]) * window_N.double()
    one_NN = torch.eye(n, dtype=torch.float64)
    if preemphasis:
        before_NN = one_NN.roll(-1, 1).tril(-1)
        before_NN[0, 0] = 1
        kernel_KN = kernel_KN @ (one_NN - preemphasis * before_NN)
    if centred:
        kernel_KN = kernel_KN @ (one_NN - 1 / n)
    return kernel_KN.float()[:, None]

"""Convolutions over samples that learn."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from asrx.features.base import Features
from asrx.masking import zero_padding
from asrx.types import UserError


class Convolutions(Features):
    """Strided convolutions over the samples, each with layer normalisation over its channels and a GELU, learned with
    the model, as in front of wav2vec 2.0: (B, T samples) to (B, T / product of the strides, rounded up, width).

    Zeros follow the last sample, in every layer.

    Args:
        width: channels of every layer.
        kernels, strides: of the layers, in samples of what comes in.
        normalize: see `Features`.

    Raises:
        UserError: not as many kernels as strides, or a kernel shorter than its stride.
    """

    def __init__(
        self,
        width: int = 64,
        kernels: Sequence[int] = (10, 8, 4, 4, 4),
        strides: Sequence[int] = (5, 4, 2, 2, 2),
        normalize: str = "utterance",
    ):
        if not kernels or len(kernels) != len(strides):
            raise UserError("features.kernels and features.strides should be as many, at least one of each.")
        if any(not 1 <= stride <= kernel for kernel, stride in zip(kernels, strides, strict=True)):
            raise UserError("features.strides should be from 1 to the kernel of the same layer in features.kernels.")
        super().__init__(width, normalize)
        self.hop, self.strides = math.prod(strides), tuple(strides)
        channels = [1, *[width] * len(kernels)]
        self.convs = nn.ModuleList(
            nn.Conv1d(channels[i], width, kernel, stride)
            for i, (kernel, stride) in enumerate(zip(kernels, strides, strict=True))
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in kernels)
        seen = 1
        for kernel, stride in reversed(list(zip(kernels, strides, strict=True))):
            seen = (seen - 1) * stride + kernel
        self.reach = math.ceil(seen / self.hop)

    def frames(self, n_samples):
        return (n_samples + self.hop - 1) // self.hop

    def extract(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        x_BTC = wave_BT[:, :, None]
        for conv, norm, stride in zip(self.convs, self.norms, self.strides, strict=True):
            after = conv.kernel_size[0] - 1
            x_BCT = functional.pad(zero_padding(x_BTC, lengths_B).transpose(1, 2), (0, after))
            x_BTC = functional.gelu(norm(conv(x_BCT).transpose(1, 2)))
            lengths_B = (lengths_B + stride - 1) // stride
        return x_BTC

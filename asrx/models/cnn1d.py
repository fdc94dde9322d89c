"""1-D convolutions over time."""

from __future__ import annotations

import torch
from torch import nn

from asrx.masking import zero_padding
from asrx.types import Encoder, UserError


class CNN1d(nn.Module, Encoder):
    """Strided 1-D convolutions with batch normalisation and ReLU; the feature bins are its input channels.

    With features=raw this is a learned filterbank (as in wav2vec, https://arxiv.org/abs/1904.05862, in small).

    Args:
        in_dim: feature bins F; 1 for the raw waveform.
        channels, kernels, strides: of each convolution; the last channels are the output width D.
        dropout: after the convolutions.

    Raises:
        UserError: the three lists differ in length.
    """

    def __init__(
        self,
        in_dim: int,
        channels: tuple[int, ...] = (32, 64, 64, 64),
        kernels: tuple[int, ...] = (80, 3, 3, 3),
        strides: tuple[int, ...] = (8, 4, 4, 4),
        dropout: float = 0.1,
    ):
        super().__init__()
        if not len(channels) == len(kernels) == len(strides):
            raise UserError(
                f"model.encoder has {len(channels)} channels, {len(kernels)} kernels and {len(strides)} strides: "
                "give each convolution one of each."
            )
        self.dim, self.strides = channels[-1], tuple(strides)
        self.convs = nn.ModuleList(
            nn.Conv1d(before, after, kernel, stride, padding=kernel // 2, bias=False)
            for before, after, kernel, stride in zip((in_dim, *channels), channels, kernels, strides, strict=False)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in channels)
        self.dropout = nn.Dropout(dropout)

    def out_len(self, n_frames):
        """Number of encoder frames of `n_frames` feature frames; works on integers and on integer tensors."""
        for stride in self.strides:
            n_frames = (n_frames + stride - 1) // stride
        return n_frames

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, F) and lengths to (B, T / product of strides, D) and lengths."""
        x_BTD = frames_BTF
        for conv, norm, stride in zip(self.convs, self.norms, self.strides, strict=True):
            lengths_B = (lengths_B + stride - 1) // stride
            x_BCT = norm(conv(x_BTD.transpose(1, 2))).relu()
            time = (x_BTD.shape[1] + stride - 1) // stride  # an even kernel gives one frame more
            # zeros past the end, as a convolution sees them past the end of an utterance alone
            x_BTD = zero_padding(x_BCT[:, :, :time].transpose(1, 2), lengths_B)
        return self.dropout(x_BTD), lengths_B

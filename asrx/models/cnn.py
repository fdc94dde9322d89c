"""2-D convolutions alone."""

from __future__ import annotations

import torch
from torch import nn

from asrx.models.convolution import ConvStack
from asrx.types import Encoder


class CNN(nn.Module, Encoder):
    """2-D convolutions that each halve frequency, and the first ones time: small and fast, for one label an utterance.

    Args:
        in_dim: feature bins F.
        channels, time_strides: of the convolutions, see `ConvStack`.
        dropout: after them.

    Raises:
        UserError: there are too few feature bins for the convolutions.
    """

    def __init__(
        self, in_dim: int, channels: tuple[int, ...] = (16, 32, 64, 64), time_strides: int = 2, dropout: float = 0.1
    ):
        super().__init__()
        self.convs = ConvStack(in_dim, channels, time_strides)
        self.dropout = nn.Dropout(dropout)
        self.dim = self.convs.dim

    def out_len(self, n_frames):
        """Number of encoder frames of `n_frames` feature frames; works on integers and on integer tensors."""
        return self.convs.out_len(n_frames)

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, F) and lengths to (B, T / 2**time_strides, D) and lengths."""
        x_BTD, lengths_B = self.convs(frames_BTF, lengths_B)
        return self.dropout(x_BTD), lengths_B

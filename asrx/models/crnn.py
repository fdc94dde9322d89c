"""Convolutions followed by a bidirectional LSTM."""

from __future__ import annotations

import torch
from torch import nn

from asrx.models.convolution import ConvStack
from asrx.models.recurrent import LSTMStack
from asrx.types import LayeredEncoder


class CRNN(nn.Module, LayeredEncoder):
    """2-D convolutions, then BiLSTM layers: Deep Speech 2 in small (https://arxiv.org/abs/1512.02595).

    Args:
        in_dim: feature bins F.
        channels, time_strides: of the convolutions, see `ConvStack`.
        width: LSTM units in each direction; the output width D is twice that.
        layers: BiLSTM layers.
        dropout: before the LSTM, between its layers and after it.

    Raises:
        UserError: there are too few feature bins for the convolutions.
    """

    def __init__(
        self,
        in_dim: int,
        channels: tuple[int, ...] = (16, 32),
        time_strides: int = 2,
        width: int = 96,
        layers: int = 2,
        dropout: float = 0.1,
    ):
        super().__init__()
        self.convs = ConvStack(in_dim, channels, time_strides)
        self.project = nn.Linear(self.convs.dim, width)
        self.dropout = nn.Dropout(dropout)
        self.lstm = LSTMStack(width, width, layers, bidirectional=True, dropout=dropout)
        self.dim, self.depth = self.lstm.dim, layers

    def out_len(self, n_frames):
        """Number of encoder frames of `n_frames` feature frames; works on integers and on integer tensors."""
        return self.convs.out_len(n_frames)

    forward = LayeredEncoder.forward

    def layered(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        """(B, T, F) and lengths to (B, T / 2**time_strides, D) of each LSTM layer and lengths."""
        x_BTD, lengths_B = self.convs(frames_BTF, lengths_B)
        x_BTD = self.dropout(self.project(x_BTD).relu())
        *inner, last_BTD = self.lstm.layered(x_BTD, lengths_B)
        return [*inner, self.dropout(last_BTD)], lengths_B

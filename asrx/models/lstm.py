"""LSTM layers on the features."""

from __future__ import annotations

import torch
from torch import nn

from asrx.models.recurrent import LSTMStack
from asrx.types import Encoder


class LSTM(nn.Module, Encoder):
    """Long short-term memory (Hochreiter & Schmidhuber 1997, https://doi.org/10.1162/neco.1997.9.8.1735).

    Args:
        in_dim: feature bins F.
        width: units in each direction.
        layers: how many.
        bidirectional: whether the layers also run from the end; the output width D is then twice `width`.
        dropout: between the layers and after them.
    """

    def __init__(
        self, in_dim: int, width: int = 128, layers: int = 2, bidirectional: bool = True, dropout: float = 0.1
    ):
        super().__init__()
        self.lstm = LSTMStack(in_dim, width, layers, bidirectional, dropout)
        self.dropout = nn.Dropout(dropout)
        self.dim = self.lstm.dim

    def out_len(self, n_frames):
        """The number of frames stays; works on integers and on integer tensors."""
        return n_frames

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, F) and lengths to (B, T, D) and the same lengths."""
        return self.dropout(self.lstm(frames_BTF, lengths_B)), lengths_B

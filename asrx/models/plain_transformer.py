"""Document 003's transformer."""

from __future__ import annotations

import torch
from torch import nn

from asrx.masking import valid, zero_padding
from asrx.models.attention import SelfAttention
from asrx.types import Encoder, UserError


class PlainTransformer(nn.Module, Encoder):
    """One convolution without activation, a pool of two, and layers of self-attention that know no positions and
    normalise what they give (https://arxiv.org/abs/1706.03762), as document 003 has it. Padding is kept out of
    attention; for the document, which does not, it counts as sound: `dataset.clip.masked=false`.

    Without positions, frames that look alike are answered alike, wherever they are.

    Args:
        in_dim: feature bins F.
        channels: of the convolution.
        width: the output width D.
        heads: of attention.
        layers: how many.
        hidden: units within a feed-forward part.
        dropout: everywhere.

    Raises:
        UserError: there is only one feature bin, or the heads do not divide the width.
    """

    def __init__(
        self,
        in_dim: int,
        channels: int = 32,
        width: int = 256,
        heads: int = 4,
        layers: int = 4,
        hidden: int = 2048,
        dropout: float = 0.1,
    ):
        super().__init__()
        if in_dim < 2:
            raise UserError("asrx.models.plain_transformer.PlainTransformer needs at least 2 feature bins to pool.")
        self.dim = width
        self.conv = nn.Conv2d(1, channels, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.project = nn.Linear(channels * (in_dim // 2), width)
        self.layers = nn.ModuleList(Layer(width, heads, hidden, dropout) for _ in range(layers))

    def out_len(self, n_frames):
        """Number of encoder frames of `n_frames` feature frames; works on integers and on integer tensors."""
        return n_frames // 2

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, F) and lengths to (B, T // 2, D) and lengths."""
        x_BCTF = self.pool(self.conv(zero_padding(frames_BTF, lengths_B)[:, None]))
        x_BTD = self.project(x_BCTF.transpose(1, 2).flatten(2))
        lengths_B = self.out_len(lengths_B)
        keep_B11T = valid(lengths_B, x_BTD.shape[1])[:, None, None]
        for layer in self.layers:
            x_BTD = layer(x_BTD, keep_B11T)
        return zero_padding(x_BTD, lengths_B), lengths_B


class Layer(nn.Module):
    """Self-attention and a feed-forward part, each added to what it is given, and the sum normalised."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float):
        super().__init__()
        self.attention = SelfAttention(width, heads, dropout, positions=False)
        self.after = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, width), nn.Dropout(dropout)
        )
        self.dropout = nn.Dropout(dropout)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])

    def forward(self, x_BTD: torch.Tensor, keep_B11T: torch.Tensor) -> torch.Tensor:
        """(B, T, D), and which positions are looked at, to (B, T, D)."""
        x_BTD = self.norms[0](x_BTD + self.dropout(self.attention(x_BTD, keep_B11T)))
        return self.norms[1](x_BTD + self.after(x_BTD))

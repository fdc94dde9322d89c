"""Self-attention at every layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from asrx.masking import valid, zero_padding
from asrx.models.attention import SelfAttention, Subsampling, feed_forward
from asrx.types import LayeredEncoder


class Transformer(nn.Module, LayeredEncoder):
    """Convolutional subsampling and transformer layers (https://arxiv.org/abs/1910.10352) that normalise what they look
    at (https://arxiv.org/abs/2002.04745), with rotary positions. Padding is kept out of attention.

    Args:
        in_dim: feature bins F.
        channels, time_strides: of the subsampling's convolutions, see `ConvStack`.
        width: the output width D.
        heads: of attention.
        layers: how many.
        expansion: units within a feed-forward part, as a multiple of the width.
        dropout: everywhere.

    Raises:
        UserError: there are too few feature bins, or the heads do not divide the width.
    """

    def __init__(
        self,
        in_dim: int,
        channels: tuple[int, ...] = (32, 32),
        time_strides: int = 2,
        width: int = 256,
        heads: int = 4,
        layers: int = 4,
        expansion: int = 8,
        dropout: float = 0.1,
    ):
        super().__init__()
        self.dim, self.depth = width, layers
        self.subsampling = Subsampling(in_dim, channels, time_strides, width, dropout)
        self.layers = nn.ModuleList(Layer(width, heads, expansion, dropout) for _ in range(layers))
        self.last = nn.LayerNorm(width)

    def out_len(self, n_frames):
        """Number of encoder frames of `n_frames` feature frames; works on integers and on integer tensors."""
        return self.subsampling.convs.out_len(n_frames)

    forward = LayeredEncoder.forward

    def layered(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        """(B, T, F) and lengths to (B, T / 2**time_strides, D) of each layer and lengths."""
        x_BTD, lengths_B = self.subsampling(frames_BTF, lengths_B)
        keep_B11T, outputs = valid(lengths_B, x_BTD.shape[1])[:, None, None], []
        for layer in self.layers:
            x_BTD = layer(x_BTD, keep_B11T)
            outputs.append(x_BTD)
        return [*outputs[:-1], zero_padding(self.last(x_BTD), lengths_B)], lengths_B


class Layer(nn.Module):
    """Self-attention and a feed-forward part, each added to what it is given."""

    def __init__(self, width: int, heads: int, expansion: int, dropout: float):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads, dropout)
        self.dropout = nn.Dropout(dropout)
        self.after = feed_forward(width, expansion, dropout)

    def forward(self, x_BTD: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        """(B, T, D), and which positions are looked at, to (B, T, D)."""
        x_BTD = x_BTD + self.dropout(self.attention(self.norm(x_BTD), keep))
        return x_BTD + self.after(x_BTD)

    def advance(
        self, x_BTD: torch.Tensor, past: Sequence[torch.Tensor], keep: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The next positions, see `SelfAttention.advance`."""
        heard_BTD, pair = self.attention.advance(self.norm(x_BTD), past, keep)
        x_BTD = x_BTD + self.dropout(heard_BTD)
        return x_BTD + self.after(x_BTD), pair

"""Self-attention over padded batches, and what transformers and Conformers share."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from asrx.models.convolution import ConvStack
from asrx.types import UserError


class Subsampling(nn.Module):
    """Convolutions that make frames fewer, and a projection to the encoder's width.

    Args:
        in_dim: feature bins F.
        channels, time_strides: of the convolutions, see `ConvStack`.
        width: the encoder's width D.
        dropout: after the projection.

    Raises:
        UserError: there are too few feature bins for the convolutions.
    """

    def __init__(self, in_dim: int, channels: tuple[int, ...], time_strides: int, width: int, dropout: float):
        super().__init__()
        self.convs = ConvStack(in_dim, channels, time_strides)
        self.project = nn.Linear(self.convs.dim, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, F) and lengths to (B, T / 2**time_strides, D) and lengths."""
        x_BTD, lengths_B = self.convs(frames_BTF, lengths_B)
        return self.dropout(self.project(x_BTD)), lengths_B


class SelfAttention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762) whose queries and keys are
    turned by their positions (RoFormer, https://arxiv.org/abs/2104.09864), so that it hears how far apart frames are.

    Args:
        width: D.
        heads: how many; they divide the width.
        dropout: of attention weights.
        positions: false leaves queries and keys as they are.

    Raises:
        UserError: the heads do not divide the width into even parts.
    """

    def __init__(self, width: int, heads: int, dropout: float, positions: bool = True):
        super().__init__()
        if width % (2 * heads):
            raise UserError(f"model.encoder.width={width} should be an even multiple of model.encoder.heads={heads}.")
        self.heads, self.dropout, self.positions = heads, dropout, positions
        self.inwards = nn.Linear(width, 3 * width)
        self.outwards = nn.Linear(width, width)

    def forward(self, x_BTD: torch.Tensor, keep_B11T: torch.Tensor) -> torch.Tensor:
        """(B, T, D), and which positions are looked at, to (B, T, D)."""
        query, key, value_BHTE = self._heads(x_BTD, 0)
        dropout = self.dropout if self.training else 0.0
        heard_BHTE = functional.scaled_dot_product_attention(query, key, value_BHTE, keep_B11T, dropout)
        return self.outwards(heard_BHTE.transpose(1, 2).flatten(2))

    def advance(
        self, x_B1D: torch.Tensor, past: tuple[torch.Tensor, torch.Tensor] | None
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """The next position (B, 1, D), which looks at those before it, and their keys and values (B, H, T, E), to what
        is heard there, and keys and values with its own."""
        query, key, value_BHTE = self._heads(x_B1D, past[0].shape[2] if past else 0)
        if past:
            key, value_BHTE = torch.cat([past[0], key], 2), torch.cat([past[1], value_BHTE], 2)
        heard_BH1E = functional.scaled_dot_product_attention(query, key, value_BHTE)
        return self.outwards(heard_BH1E.transpose(1, 2).flatten(2)), (key, value_BHTE)

    def _heads(self, x_BTD: torch.Tensor, start: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Queries, keys and values (B, H, T, E) of positions from `start`."""
        qkv = self.inwards(x_BTD).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query, key, value_BHTE = qkv.unbind(0)
        if not self.positions:
            return query, key, value_BHTE
        cos_TE, sin_TE = _turns(start, x_BTD.shape[1], query.shape[-1], x_BTD)
        return _turned(query, cos_TE, sin_TE), _turned(key, cos_TE, sin_TE), value_BHTE


def feed_forward(width: int, expansion: int, dropout: float) -> nn.Sequential:
    """Two linear layers at every position by itself."""
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, expansion * width),
        nn.SiLU(),
        nn.Dropout(dropout),
        nn.Linear(expansion * width, width),
        nn.Dropout(dropout),
    )


def _turns(start: int, time: int, width: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine of the angles of `time` positions from `start`, (T, width)."""
    pace = 10_000 ** -(torch.arange(0, width, 2, device=like.device, dtype=torch.float32) / width)
    places_T = torch.arange(start, start + time, device=like.device, dtype=torch.float32)
    angles = places_T[:, None] * pace.repeat(2)
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def _turned(x_BHTE: torch.Tensor, cos_TE: torch.Tensor, sin_TE: torch.Tensor) -> torch.Tensor:
    one, other = x_BHTE.chunk(2, -1)
    return x_BHTE * cos_TE + torch.cat([-other, one], -1) * sin_TE

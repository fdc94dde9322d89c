"""Self-attention over padded batches, and what transformers and Conformers share."""

from __future__ import annotations

from collections.abc import Sequence

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

    def forward(self, x_BTD: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        """(B, T, D), and which positions are looked at, something that fits (B, H, T, T), to (B, T, D)."""
        query, key, value = self.inwards(x_BTD).chunk(3, -1)
        return self._heard(query, key, value, keep, self.dropout if self.training else 0.0)

    def advance(
        self, x_BTD: torch.Tensor, past: Sequence[torch.Tensor], keep: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The next positions (B, T, D), and keys and values (B, past, D) of those before them, or nothing, to what is
        heard there, and keys and values with their own.

        Args:
            keep: which of all positions are looked at, something that fits (B, H, T, past + T); None is all.
        """
        query, *pair = self.inwards(x_BTD).chunk(3, -1)
        if past:
            pair = [torch.cat(both, 1) for both in zip(past, pair, strict=True)]
        return self._heard(query, *pair, keep, 0.0), pair

    def _heard(
        self,
        query_BTD: torch.Tensor,
        key_BKD: torch.Tensor,
        value_BKD: torch.Tensor,
        keep: torch.Tensor | None,
        dropout: float,
    ) -> torch.Tensor:
        """What the last positions hear, (B, T, D). Keys are turned here and kept as they are: only how far apart two
        positions are is heard, so any place may be called the first."""
        query, key = self._placed(query_BTD, key_BKD)
        value = value_BKD.unflatten(2, (self.heads, -1)).transpose(1, 2)
        heard_BHTE = functional.scaled_dot_product_attention(query, key, value, keep, dropout)
        return self.outwards(heard_BHTE.transpose(1, 2).flatten(2))

    def looks(self, x_BTD: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        """What `forward` is given, to how much each position looks at each, (B, H, T, T)."""
        query, key = self._placed(*self.inwards(x_BTD).chunk(3, -1)[:2])
        scores = query @ key.transpose(2, 3) / query.shape[3] ** 0.5
        return scores.masked_fill(~keep, -torch.inf).softmax(-1)

    def _placed(self, query_BTD: torch.Tensor, key_BKD: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Queries and keys of each head, (B, H, ..., E), turned by their positions."""
        query, key = (x_BTD.unflatten(2, (self.heads, -1)).transpose(1, 2) for x_BTD in (query_BTD, key_BKD))
        if not self.positions:
            return query, key
        time = key.shape[2]
        cos_TE, sin_TE = _turns(time, key.shape[-1], key)
        first = time - query.shape[2]
        return _turned(query, cos_TE[first:], sin_TE[first:]), _turned(key, cos_TE, sin_TE)


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


def _turns(time: int, width: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine of the angles of `time` positions, (T, width)."""
    pace = 10_000 ** -(torch.arange(0, width, 2, device=like.device, dtype=torch.float32) / width)
    places_T = torch.arange(time, device=like.device, dtype=torch.float32)
    angles = places_T[:, None] * pace.repeat(2)
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def _turned(x_BHTE: torch.Tensor, cos_TE: torch.Tensor, sin_TE: torch.Tensor) -> torch.Tensor:
    one, other = x_BHTE.chunk(2, -1)
    return x_BHTE * cos_TE + torch.cat([-other, one], -1) * sin_TE

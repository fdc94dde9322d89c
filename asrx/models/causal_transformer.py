"""Self-attention that can be run while someone speaks."""

from __future__ import annotations

import torch
from torch import nn

from asrx.models.causal import CausalEncoder, row_convolution
from asrx.models.transformer import Layer
from asrx.types import UserError


class CausalTransformer(CausalEncoder):
    """Transformer layers between the convolutions of `CausalEncoder`, whose attention looks back, no further than a
    window (Emformer's left context, https://arxiv.org/abs/2010.10759); keys and values of the window are remembered.

    Args:
        in_dim, channels, dropout, lookahead: see `CausalEncoder`; dropout is everywhere in the layers, too.
        width: the output width D.
        heads: of attention.
        layers: how many.
        expansion: units within a feed-forward part, as a multiple of the width.
        window: output frames before it that attention looks at, at each layer.

    Raises:
        UserError: there are too few feature bins, the heads do not divide the width, or the window is empty.
    """

    def __init__(
        self,
        in_dim: int,
        channels: tuple[int, ...] = (16, 32),
        width: int = 144,
        heads: int = 4,
        layers: int = 6,
        expansion: int = 4,
        dropout: float = 0.1,
        window: int = 48,
        lookahead: int = 4,
    ):
        super().__init__(in_dim, channels, width, dropout, lookahead)
        if window < 1:
            raise UserError(f"model.encoder.window={window} should be a whole number of frames from 1.")
        self.window = window
        self.layers = nn.ModuleList(Layer(width, heads, expansion, dropout) for _ in range(layers))
        self.last = nn.LayerNorm(width)
        self.ahead = row_convolution(width, lookahead)

    def remembered(self, batch: int) -> list[torch.Tensor]:
        """Keys and values, (B, layers, window, D) each, and which of them there are, (B, window)."""
        like = self.project.weight
        pair = [like.new_zeros(batch, len(self.layers), self.window, self.dim) for _ in range(2)]
        return [*pair, like.new_zeros(batch, self.window)]

    def whole(self, x_BTD: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        keep_TT = _looks_at(x_BTD.shape[1], x_BTD.shape[1], self.window, x_BTD.device)
        for layer in self.layers:
            x_BTD = layer(x_BTD, keep_TT)
        return self.last(x_BTD)

    def part(self, x_BTD: torch.Tensor, memory: list[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        keys, values, there_BW = memory
        time = x_BTD.shape[1]
        there_BK = torch.cat([there_BW, there_BW.new_ones(x_BTD.shape[0], time)], 1)
        keep_TK = _looks_at(time, self.window + time, self.window, x_BTD.device)
        keep_B1TK = (keep_TK & (there_BK[:, None] > 0))[:, None]
        left = []
        for layer, *past in zip(self.layers, keys.unbind(1), values.unbind(1), strict=True):
            x_BTD, past = layer.advance(x_BTD, past, keep_B1TK)
            left.append([kept_BTD[:, time:] for kept_BTD in past])
        keys, values = (torch.stack(parts, 1) for parts in zip(*left, strict=True))
        return self.last(x_BTD), [keys, values, there_BK[:, time:]]


def _looks_at(queries: int, keys: int, window: int, device: torch.device) -> torch.Tensor:
    """Which keys each of the last `queries` of them looks at, (queries, keys): itself, and a window before it."""
    back = torch.arange(keys - queries, keys, device=device)[:, None] - torch.arange(keys, device=device)
    return (back >= 0) & (back <= window)

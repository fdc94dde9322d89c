"""LSTM layers over padded batches."""

from __future__ import annotations

import torch
from torch import nn

from asrx.masking import zero_padding


class LSTMStack(nn.Module):
    """LSTM layers whose output never depends on the padding.

    The backward direction runs forwards over sequences that were turned round within their own lengths. That gives what
    `pack_padded_sequence` gives and keeps to the fused kernels, which on CPU take a third of a packed sequence's time
    (tests/bench/bench_lstm.py).

    Args:
        in_dim, width: units of the input and of each direction; the output has `dim` of them.
        layers: how many.
        bidirectional: whether every layer also runs from the end.
        dropout: between the layers.
    """

    def __init__(self, in_dim: int, width: int, layers: int, bidirectional: bool, dropout: float):
        super().__init__()
        directions = 1 + bidirectional
        self.dim = directions * width
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            nn.ModuleList(nn.LSTM(self.dim if layer else in_dim, width, batch_first=True) for _ in range(directions))
            for layer in range(layers)
        )

    def forward(self, x_BTD: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """(B, T, in_dim) and lengths to (B, T, dim), zeros in the padding."""
        return self.layered(x_BTD, lengths_B)[-1]

    def layered(self, x_BTD: torch.Tensor, lengths_B: torch.Tensor) -> list[torch.Tensor]:
        """(B, T, in_dim) and lengths to (B, T, dim) of each layer, zeros in the padding."""
        order_BT, outputs = turned_places(x_BTD.shape[1], lengths_B), []
        for i, layer in enumerate(self.layers):
            x_BTD = self.dropout(x_BTD) if i else x_BTD
            ways = [layer[0](x_BTD)[0]]
            if len(layer) == 2:
                ways.append(reorder(layer[1](reorder(x_BTD, order_BT))[0], order_BT))
            x_BTD = zero_padding(torch.cat(ways, -1), lengths_B)
            outputs.append(x_BTD)
        return outputs

    def advance(
        self, x_BTD: torch.Tensor, outputs_LBD: torch.Tensor, cells_LBD: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The next steps of forward layers, after those that left `outputs_LBD` and `cells_LBD` behind: their outputs
        (B, T, dim), and what they leave behind."""
        if not x_BTD.shape[1]:
            return x_BTD, outputs_LBD, cells_LBD
        left = []
        for (lstm,), h_BD, c_BD in zip(self.layers, outputs_LBD, cells_LBD, strict=True):
            x_BTD, state = lstm(x_BTD, (h_BD[None], c_BD[None]))
            left.append(state)
        outputs, cells = (torch.cat(parts) for parts in zip(*left, strict=True))
        return x_BTD, outputs, cells


def turned_places(time: int, lengths_B: torch.Tensor) -> torch.Tensor:
    """Where each of `time` frames is when each sequence is turned round within its own length, (B, T)."""
    places = torch.arange(time, device=lengths_B.device)
    return torch.where(places < lengths_B[:, None], lengths_B[:, None] - 1 - places, places)


def reorder(x_BTD: torch.Tensor, order_BT: torch.Tensor) -> torch.Tensor:
    """The frames in another order."""
    return x_BTD.gather(1, order_BT[:, :, None].expand_as(x_BTD))

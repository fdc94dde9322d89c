"""Convolutions and LSTM layers that can be run while someone speaks."""

from __future__ import annotations

import torch

from asrx.models.causal import CausalEncoder, row_convolution
from asrx.models.recurrent import LSTMStack


class CausalCRNN(CausalEncoder):
    """Forward LSTM layers between the convolutions of `CausalEncoder`.

    Args:
        in_dim, channels, dropout, lookahead: see `CausalEncoder`; dropout is between the layers, too.
        width: LSTM units, the output width D.
        layers: LSTM layers.

    Raises:
        UserError: there are too few feature bins for the convolutions.
    """

    def __init__(
        self,
        in_dim: int,
        channels: tuple[int, ...] = (16, 32),
        width: int = 256,
        layers: int = 2,
        dropout: float = 0.1,
        lookahead: int = 4,
    ):
        super().__init__(in_dim, channels, width, dropout, lookahead)
        self.lstm = LSTMStack(width, width, layers, bidirectional=False, dropout=dropout)
        self.ahead = row_convolution(width, lookahead)

    def remembered(self, batch: int) -> list[torch.Tensor]:
        """Outputs and cells, (B, layers, D) each."""
        return [self.project.weight.new_zeros(batch, len(self.lstm.layers), self.dim) for _ in range(2)]

    def whole(self, x_BTD: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        return self.lstm(x_BTD, lengths_B)

    def part(self, x_BTD: torch.Tensor, memory: list[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        x_BTD, *memory = self.lstm.advance(x_BTD, *(state.transpose(0, 1) for state in memory))
        return x_BTD, [state.transpose(0, 1) for state in memory]

"""An LSTM whose gates are convolutions over frequency."""

from __future__ import annotations

import torch
from torch import nn

from asrx.masking import zero_padding
from asrx.models.convolution import ConvStack
from asrx.models.recurrent import reorder, turned_places
from asrx.types import Encoder, UserError


class ConvLSTM(nn.Module, Encoder):
    """2-D convolutions that shorten time and frequency, then LSTM layers in both directions whose units lie at every
    bin and look at their neighbours (Shi et al. 2015, https://arxiv.org/abs/1506.04214; for speech Zhang et al. 2016,
    https://arxiv.org/abs/1610.03022).

    Args:
        in_dim: feature bins F.
        channels, time_strides: of the convolutions, see `ConvStack`.
        width: units at each bin, in each direction; the output width D is twice that, times the bins that are left.
        layers: of ConvLSTM.
        kernel: bins that a gate looks at; odd.
        dropout: before each layer and after the last.

    Raises:
        UserError: there are too few feature bins for the convolutions, or the kernel is even.
    """

    def __init__(
        self,
        in_dim: int,
        channels: tuple[int, ...] = (16, 32),
        time_strides: int = 2,
        width: int = 16,
        layers: int = 1,
        kernel: int = 3,
        dropout: float = 0.1,
    ):
        super().__init__()
        if kernel % 2 == 0:
            raise UserError(f"model.encoder.kernel={kernel} should be odd, so that it looks as far up as down.")
        self.convs = ConvStack(in_dim, channels, time_strides)
        self.bins = self.convs.dim // channels[-1]
        self.layers = nn.ModuleList(
            nn.ModuleList(Direction(2 * width if i else channels[-1], width, kernel) for _ in range(2))
            for i in range(layers)
        )
        self.dropout = nn.Dropout(dropout)
        self.dim = 2 * width * self.bins

    def out_len(self, n_frames):
        """Number of encoder frames of `n_frames` feature frames; works on integers and on integer tensors."""
        return self.convs.out_len(n_frames)

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, F) and lengths to (B, T / 2**time_strides, D) and lengths."""
        x_BTD, lengths_B = self.convs(frames_BTF, lengths_B)  # D is channels, then bins
        order_BT = turned_places(x_BTD.shape[1], lengths_B)
        for onwards, backwards in self.layers:
            x_BTD = self.dropout(x_BTD)
            back_BTD = reorder(backwards(reorder(x_BTD, order_BT), self.bins), order_BT)
            x_BTD = zero_padding(torch.cat([onwards(x_BTD, self.bins), back_BTD], 2), lengths_B)
        return self.dropout(x_BTD), lengths_B


class Direction(nn.Module):
    """One direction of a layer: the four gates of an LSTM, each a convolution over the bins of what comes in and of
    what came out before."""

    def __init__(self, before: int, width: int, kernel: int):
        super().__init__()
        self.inwards = nn.Conv1d(before, 4 * width, kernel, padding=kernel // 2)
        self.recur = nn.Conv1d(width, 4 * width, kernel, padding=kernel // 2, bias=False)

    def forward(self, x_BTD: torch.Tensor, bins: int) -> torch.Tensor:
        """(B, T, channels * bins) to (B, T, width * bins)."""
        gates_TBGF, state = self.begin(x_BTD, bins)
        outputs = []
        for gates_BGF in gates_TBGF.unbind(0):
            state = self.step(*state, gates_BGF)
            outputs.append(state[0].flatten(1))
        return torch.stack(outputs, 1)

    def begin(self, x_BTD: torch.Tensor, bins: int) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """What comes in of all frames at once, as gates (T, B, 4 * width, F), and output and cell before the first."""
        batch, time = x_BTD.shape[:2]
        gates_NGF = self.inwards(x_BTD.flatten(0, 1).unflatten(1, (-1, bins)))
        nothing_BWF = gates_NGF.new_zeros(batch, self.recur.in_channels, bins)
        return gates_NGF.unflatten(0, (batch, time)).transpose(0, 1), (nothing_BWF, nothing_BWF.clone())

    def step(
        self, out_BWF: torch.Tensor, cell_BWF: torch.Tensor, gates_BGF: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Output and cell of the next frame."""
        let_in, keep, new, let_out = (gates_BGF + self.recur(out_BWF)).chunk(4, 1)
        cell_BWF = keep.sigmoid() * cell_BWF + let_in.sigmoid() * new.tanh()
        return let_out.sigmoid() * cell_BWF.tanh(), cell_BWF

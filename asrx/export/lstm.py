"""LSTM layers as engines know them."""

from __future__ import annotations

import copy

import torch
from torch import nn

from asrx.models.recurrent import LSTMStack


class NodeLSTM(nn.Module):
    """A `LSTMStack` as one LSTM node of ONNX a layer, which turns each sequence in its own length and writes zeros
    past it; torch's exporter would write out every step. It can be exported only, not run.

    Args:
        stack: whose weights it takes.
    """

    def __init__(self, stack: LSTMStack):
        super().__init__()
        self.width = stack.layers[0][0].hidden_size
        self.directions = len(stack.layers[0])
        self.layers = len(stack.layers)
        for i, ways in enumerate(stack.layers):
            for name, parts in zip("wrb", zip(*map(_weights, ways), strict=True), strict=True):
                self.register_buffer(f"{name}{i}", torch.stack(parts).detach())

    def forward(self, x_BTD: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        for i in range(self.layers):
            batch, time = x_BTD.shape[:2]
            weights = [getattr(self, f"{name}{i}") for name in "wrb"]
            y_TWBD = torch.onnx.ops.symbolic(
                "LSTM",
                [x_BTD.transpose(0, 1), *weights, lengths_B.to(torch.int32)],
                {"hidden_size": self.width, "direction": "bidirectional" if self.directions == 2 else "forward"},
                dtype=torch.float32,
                shape=[time, self.directions, batch, self.width],
            )
            x_BTD = y_TWBD.permute(2, 0, 1, 3).flatten(2)
        return x_BTD


def with_nodes(module: nn.Module) -> nn.Module:
    """A copy of a module with every `LSTMStack` in it made for export."""
    module = copy.deepcopy(module)
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LSTMStack):
                setattr(parent, name, NodeLSTM(child))
    return module


def _weights(lstm: nn.LSTM) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Torch's gates are input, forget, cell, output; ONNX's are input, output, forget, cell."""
    both = (lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0, lstm.bias_hh_l0)
    w, r, wb, rb = (torch.cat([weights.chunk(4)[gate] for gate in (0, 3, 1, 2)]) for weights in both)
    return w, r, torch.cat([wb, rb])

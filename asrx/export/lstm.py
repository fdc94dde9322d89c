"""LSTM layers as engines know them."""

from __future__ import annotations

import copy

import torch
from torch import nn

from asrx.models.conv_lstm import Direction
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
        self.count = len(stack.layers)
        for i, ways in enumerate(stack.layers):
            for name, parts in zip("wrb", zip(*map(_weights, ways), strict=True), strict=True):
                self.register_buffer(f"{name}{i}", torch.stack(parts).detach())

    def forward(self, x_BTD: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        return self.layered(x_BTD, lengths_B)[-1]

    def layered(self, x_BTD: torch.Tensor, lengths_B: torch.Tensor) -> list[torch.Tensor]:
        """See `LSTMStack`."""
        outputs = []
        for i in range(self.count):
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
            outputs.append(x_BTD)
        return outputs

    def advance(
        self, x_BTD: torch.Tensor, outputs_LBD: torch.Tensor, cells_LBD: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """See `LSTMStack`."""
        left = []
        for i in range(self.count):
            batch, time = x_BTD.shape[:2]
            weights = [getattr(self, f"{name}{i}") for name in "wrb"]
            y_TWBD, *state = torch.onnx.ops.symbolic_multi_out(
                "LSTM",
                [x_BTD.transpose(0, 1), *weights, None, outputs_LBD[i : i + 1], cells_LBD[i : i + 1]],
                {"hidden_size": self.width},
                dtypes=[torch.float32] * 3,
                shapes=[[time, 1, batch, self.width], *[[1, batch, self.width]] * 2],
            )
            x_BTD = y_TWBD[:, 0].transpose(0, 1)
            left.append(state)
        outputs, cells = (torch.cat(parts) for parts in zip(*left, strict=True))
        return x_BTD, outputs, cells


class ScanLSTM(nn.Module):
    """One direction of a `ConvLSTM` as a Scan node of ONNX, so that it goes through any number of frames.

    Args:
        direction: whose weights it takes.
    """

    def __init__(self, direction: Direction):
        super().__init__()
        self.direction = direction

    def forward(self, x_BTD: torch.Tensor, bins: int) -> torch.Tensor:
        """See `Direction`."""
        from torch._higher_order_ops.scan import scan  # the one loop that torch's exporter knows

        def step(state, gates_BGF):
            out_BWF, cell_BWF = self.direction.step(*state, gates_BGF)
            return (out_BWF, cell_BWF), out_BWF.clone()

        gates_TBGF, state = self.direction.begin(x_BTD, bins)
        return scan(step, state, gates_TBGF, dim=0)[1].transpose(0, 1).flatten(2)


NODES = {LSTMStack: NodeLSTM, Direction: ScanLSTM}


def with_nodes(module: nn.Module) -> nn.Module:
    """A copy of a module with all layers in it that go step by step made for export."""
    module = copy.deepcopy(module)
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) in NODES:
                setattr(parent, name, NODES[type(child)](child))
    return module


def _weights(lstm: nn.LSTM) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Torch's gates are input, forget, cell, output; ONNX's are input, output, forget, cell."""
    both = (lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0, lstm.bias_hh_l0)
    w, r, wb, rb = (torch.cat([weights.chunk(4)[gate] for gate in (0, 3, 1, 2)]) for weights in both)
    return w, r, torch.cat([wb, rb])

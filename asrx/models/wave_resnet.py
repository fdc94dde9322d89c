"""Residual 1-D convolutions on raw waveform."""

from __future__ import annotations

import torch
from torch import nn

from asrx.masking import zero_padding
from asrx.types import Encoder, UserError


class WaveResNet(nn.Module, Encoder):
    """A residual network on samples: M34-res of Dai et al. 2016 (https://arxiv.org/abs/1610.00087) in small.

    A wide convolution, then stages of residual blocks, each of two convolutions of three frames; strided ones stand
    where a stage begins, in the place of the paper's pools.

    Args:
        in_dim: feature bins F; 1 for the raw waveform.
        channels: of each stage; the output width D is the last.
        strides: of the first convolution and of each further stage: their product is how many samples an encoding is
            apart from the next.
        kernel: samples that the first convolution looks at.
        blocks: of each stage.
        dropout: after each stage.

    Raises:
        UserError: there are not as many strides as channels.
    """

    def __init__(
        self,
        in_dim: int,
        channels: tuple[int, ...] = (48, 64, 96, 128),
        strides: tuple[int, ...] = (10, 4, 4, 2),
        kernel: int = 80,
        blocks: int = 2,
        dropout: float = 0.1,
    ):
        super().__init__()
        if len(channels) != len(strides) or not channels:
            raise UserError(
                f"model.encoder has {len(channels)} channels and {len(strides)} strides: give each stage one of each."
            )
        self.strides = tuple(strides)
        self.around = nn.ConstantPad1d(((kernel - 1) // 2, kernel // 2), 0.0)
        self.head = nn.Conv1d(in_dim, channels[0], kernel, strides[0], bias=False)
        self.norm = nn.BatchNorm1d(channels[0])
        self.stages = nn.ModuleList()
        for i, (before, after) in enumerate(zip((channels[0], *channels), channels, strict=False)):
            first = Block(before, after, strides[i] if i else 1)
            self.stages.append(nn.ModuleList([first, *(Block(after, after, 1) for _ in range(blocks - 1))]))
        self.dropout = nn.Dropout(dropout)
        self.dim = channels[-1]

    def out_len(self, n_frames):
        """Number of encoder frames of `n_frames` feature frames; works on integers and on integer tensors."""
        for stride in self.strides:
            n_frames = -(-n_frames // stride)
        return n_frames

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, F) and lengths to (B, T / strides, D) and lengths."""
        x_BCT = self.head(self.around(frames_BTF.transpose(1, 2)))
        lengths_B = -(-lengths_B // self.strides[0])
        x_BCT = _ended(self.norm(x_BCT).relu(), lengths_B)
        for stage, stride in zip(self.stages, (1, *self.strides[1:]), strict=True):
            lengths_B = -(-lengths_B // stride)
            for block in stage:
                x_BCT = block(x_BCT, lengths_B)
            x_BCT = self.dropout(x_BCT)
        return x_BCT.transpose(1, 2), lengths_B


class Block(nn.Module):
    """Two convolutions, added to what they are given."""

    def __init__(self, before: int, after: int, stride: int):
        super().__init__()
        self.one = nn.Conv1d(before, after, 3, stride, padding=1, bias=False)
        self.other = nn.Conv1d(after, after, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm1d(after) for _ in range(2))
        self.short = None
        if before != after or stride > 1:
            self.short = nn.Sequential(nn.Conv1d(before, after, 1, stride, bias=False), nn.BatchNorm1d(after))

    def forward(self, x_BCT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """(B, C, T), and lengths after the stride, to (B, C', T / stride), zeros past the end."""
        y_BCT = _ended(self.norms[0](self.one(x_BCT)).relu(), lengths_B)
        y_BCT = self.norms[1](self.other(y_BCT))
        y_BCT = y_BCT + (x_BCT if self.short is None else self.short(x_BCT))
        return _ended(y_BCT.relu(), lengths_B)


def _ended(x_BCT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
    """Zeros past the end, as a convolution sees them past the end of an utterance alone."""
    return zero_padding(x_BCT.transpose(1, 2), lengths_B).transpose(1, 2)

"""Convolutions of several sizes side by side."""

from __future__ import annotations

import torch
from torch import nn


class Inception(nn.Module):
    """1x1, 3x3 and 5x5 convolutions and a pool next to each other (GoogLeNet, https://arxiv.org/abs/1409.4842).

    ReLU after every convolution, no normalisation, as in document 000.

    Args:
        in_channels: of the input.
        one: channels of the 1x1 branch.
        three, five: channels of the 1x1 convolution that narrows, and of the 3x3 or 5x5 one after it.
        pooled: channels of the 1x1 convolution after the pool.
    """

    def __init__(self, in_channels: int, one: int, three: tuple[int, int], five: tuple[int, int], pooled: int):
        super().__init__()
        self.dim = one + three[1] + five[1] + pooled
        self.branches = nn.ModuleList([
            _conv(in_channels, one, 1),
            nn.Sequential(_conv(in_channels, three[0], 1), _conv(*three, 3)),
            nn.Sequential(_conv(in_channels, five[0], 1), _conv(*five, 5)),
            nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), _conv(in_channels, pooled, 1)),
        ])  # fmt: skip

    def forward(self, x_BCTF: torch.Tensor) -> torch.Tensor:
        """(B, in_channels, T, F) to (B, dim, T, F)."""
        return torch.cat([branch(x_BCTF) for branch in self.branches], 1)


def _conv(before: int, after: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, kernel, padding=kernel // 2), nn.ReLU())

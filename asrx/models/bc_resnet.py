"""Broadcasted residual learning, for keywords."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from asrx.masking import zero_padding
from asrx.types import Encoder, UserError

STAGES = ((2, 1.0, 1), (2, 1.5, 2), (4, 2.0, 2), (4, 2.5, 1))  # blocks, channels and the stride over frequency
BANDS = 5  # that are normalised by themselves


class BCResNet(nn.Module, Encoder):
    """BC-ResNet (Kim et al. 2021, https://arxiv.org/abs/2106.04140): each block convolves over frequency, and adds to
    all bins what it convolves, dilated, over time alone. No frame is left out, and the mean over time is to follow.

    Args:
        in_dim: feature bins F, a multiple of 40.
        width: the paper's tau; BC-ResNet-1 has 1, of some 9 k parameters, BC-ResNet-8 has 8. The output width D is 32
            times it.
        dropout: of whole channels, in each block.

    Raises:
        UserError: the feature bins are not a multiple of 40.
    """

    def __init__(self, in_dim: int, width: float = 1.0, dropout: float = 0.1):
        super().__init__()
        if in_dim % (8 * BANDS):
            raise UserError(
                f"model/encoder=bc_resnet needs a multiple of {8 * BANDS} feature bins, but there are {in_dim}: choose "
                "features=logmel."
            )
        base = 8 * width
        channels = round(2 * base)
        self.head = nn.Conv2d(1, channels, 5, stride=(2, 1), padding=2, bias=False)
        self.head_norm = nn.BatchNorm2d(channels)
        self.blocks = nn.ModuleList()
        for stage, (blocks, share, stride) in enumerate(STAGES):
            for i in range(blocks):
                after = int(share * base)
                self.blocks.append(Block(channels, after, 1 if i else stride, 2**stage, dropout))
                channels = after
        self.tail = nn.Conv2d(channels, channels, (in_dim // 8, 5), padding=(0, 2), groups=channels, bias=False)
        self.dim = round(4 * base)
        self.project = nn.Linear(channels, self.dim, bias=False)
        self.norm = nn.BatchNorm1d(self.dim)

    def out_len(self, n_frames):
        """The number of frames stays; works on integers and on integer tensors."""
        return n_frames

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, F) and lengths to (B, T, D) and the same lengths."""
        x_BCFT = self.head_norm(self.head(frames_BTF.transpose(1, 2)[:, None])).relu()
        for block in self.blocks:
            x_BCFT = block(x_BCFT, lengths_B)
        x_BTC = self.tail(_silenced(x_BCFT, lengths_B))[:, :, 0].transpose(1, 2)
        x_BDT = self.norm(self.project(x_BTC).transpose(1, 2)).relu()
        return zero_padding(x_BDT.transpose(1, 2), lengths_B), lengths_B


class Block(nn.Module):
    """A convolution over frequency, one over time of the mean over frequency, and what came in where it fits."""

    def __init__(self, before: int, after: int, stride: int, dilation: int, dropout: float):
        super().__init__()
        self.keeps = before == after
        if not self.keeps:
            self.widen = nn.Sequential(nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU())
        self.over_frequency = nn.Conv2d(after, after, (3, 1), (stride, 1), (1, 0), groups=after, bias=False)
        self.band_norm = nn.BatchNorm2d(BANDS * after)
        self.over_time = nn.Conv1d(after, after, 3, padding=dilation, dilation=dilation, groups=after, bias=False)
        self.norm = nn.BatchNorm1d(after)
        self.mix = nn.Conv1d(after, after, 1, bias=False)
        self.dropout = nn.Dropout1d(dropout)

    def forward(self, x_BCFT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """(B, C, F, T) and lengths to (B, C', F / stride, T)."""
        wide_BCFT = self.over_frequency(x_BCFT if self.keeps else self.widen(x_BCFT))
        batch, channels, bins, time = wide_BCFT.shape
        bands = self.band_norm(wide_BCFT.reshape(batch, channels * BANDS, bins // BANDS, time))
        wide_BCFT = bands.reshape(batch, channels, bins, time)
        x_BCT = self.norm(self.over_time(_silenced(wide_BCFT.mean(2), lengths_B)))
        wide_BCFT = wide_BCFT + self.dropout(self.mix(functional.silu(x_BCT)))[:, :, None]
        return (wide_BCFT + x_BCFT if self.keeps else wide_BCFT).relu()


def _silenced(x: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
    """Zeros past the end of the last axis, as a convolution sees them past the end of an utterance alone."""
    return zero_padding(x.transpose(1, -1), lengths_B).transpose(1, -1)

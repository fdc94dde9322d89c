"""Self-attention and convolutions in turns."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from asrx.masking import valid, zero_padding
from asrx.models.attention import SelfAttention, Subsampling, feed_forward
from asrx.types import LayeredEncoder, UserError


class Conformer(nn.Module, LayeredEncoder):
    """Convolutional subsampling and Conformer blocks (Gulati et al. 2020, https://arxiv.org/abs/2005.08100), with
    rotary positions. Padding is kept out of attention and of convolutions.

    Args:
        in_dim: feature bins F.
        channels, time_strides: of the subsampling's convolutions, see `ConvStack`.
        width: the output width D.
        heads: of attention.
        layers: blocks.
        expansion: units within a feed-forward part, as a multiple of the width.
        kernel: frames that a block's convolution looks at; odd.
        dropout: everywhere.

    Raises:
        UserError: there are too few feature bins, the heads do not divide the width, or the kernel is even.
    """

    def __init__(
        self,
        in_dim: int,
        channels: tuple[int, ...] = (32, 32),
        time_strides: int = 2,
        width: int = 144,
        heads: int = 4,
        layers: int = 6,
        expansion: int = 4,
        kernel: int = 15,
        dropout: float = 0.1,
    ):
        super().__init__()
        if kernel % 2 == 0:
            raise UserError(f"model.encoder.kernel={kernel} should be odd, so that it looks as far back as ahead.")
        self.dim, self.depth = width, layers
        self.subsampling = Subsampling(in_dim, channels, time_strides, width, dropout)
        self.blocks = nn.ModuleList(Block(width, heads, expansion, kernel, dropout) for _ in range(layers))

    def out_len(self, n_frames):
        """Number of encoder frames of `n_frames` feature frames; works on integers and on integer tensors."""
        return self.subsampling.convs.out_len(n_frames)

    forward = LayeredEncoder.forward

    def layered(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        """(B, T, F) and lengths to (B, T / 2**time_strides, D) of each block and lengths."""
        x_BTD, lengths_B = self.subsampling(frames_BTF, lengths_B)
        keep_BT, outputs = valid(lengths_B, x_BTD.shape[1]), []
        for block in self.blocks:
            x_BTD = block(x_BTD, keep_BT)
            outputs.append(x_BTD)
        return [*outputs[:-1], zero_padding(x_BTD, lengths_B)], lengths_B


class Block(nn.Module):
    """Half a feed-forward part, self-attention, convolution, the other half, each added to what it is given."""

    def __init__(self, width: int, heads: int, expansion: int, kernel: int, dropout: float):
        super().__init__()
        self.before, self.after = (feed_forward(width, expansion, dropout) for _ in range(2))
        self.norm = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads, dropout)
        self.convolution = Convolution(width, kernel, dropout)
        self.dropout = nn.Dropout(dropout)
        self.last = nn.LayerNorm(width)

    def forward(self, x_BTD: torch.Tensor, keep_BT: torch.Tensor) -> torch.Tensor:
        """(B, T, D) and which positions are real to (B, T, D)."""
        x_BTD = x_BTD + self.before(x_BTD) / 2
        x_BTD = x_BTD + self.dropout(self.attention(self.norm(x_BTD), keep_BT[:, None, None]))
        x_BTD = x_BTD + self.convolution(x_BTD, keep_BT)
        return self.last(x_BTD + self.after(x_BTD) / 2)


class Convolution(nn.Module):
    """A gate, a convolution of each channel by itself, and a mixture of the channels."""

    def __init__(self, width: int, kernel: int, dropout: float):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.gate = nn.Linear(width, 2 * width)
        self.conv = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width, bias=False)
        self.batch_norm = nn.BatchNorm1d(width)
        self.mix = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_BTD: torch.Tensor, keep_BT: torch.Tensor) -> torch.Tensor:
        """(B, T, D) and which positions are real to (B, T, D)."""
        x_BTD = functional.glu(self.gate(self.norm(x_BTD)), -1)
        # zeros past the end, as a convolution sees them past the end of an utterance alone
        x_BDT = self.conv(x_BTD.masked_fill(~keep_BT[:, :, None], 0).transpose(1, 2))
        return self.dropout(self.mix(functional.silu(self.batch_norm(x_BDT)).transpose(1, 2)))

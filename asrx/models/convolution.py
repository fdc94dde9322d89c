"""2-D convolutions over time and frequency, shared by the encoders that begin with them."""

from __future__ import annotations

import torch
from torch import nn

from asrx.masking import zero_padding
from asrx.types import UserError


class ConvStack(nn.Module):
    """3x3 convolutions with batch normalisation and ReLU; each halves frequency, and the first ones halve time too.

    Args:
        in_dim: feature bins F.
        channels: output channels of each convolution.
        time_strides: how many of the convolutions halve the time axis.

    Raises:
        UserError: there are too few feature bins to halve once per convolution.
    """

    def __init__(self, in_dim: int, channels: tuple[int, ...], time_strides: int):
        super().__init__()
        if in_dim <= 2 ** (len(channels) - 1):  # one bin would be left before the last convolution
            raise UserError(
                f"model.encoder halves the feature bins {len(channels)} times and needs more than "
                f"{2 ** (len(channels) - 1)} of them, but the features have {in_dim}: choose features=logmel, "
                "fewer model.encoder.channels, or model/encoder=cnn1d."
            )
        self.time_strides = time_strides
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        bins = in_dim
        for i, (before, after) in enumerate(zip((1, *channels), channels, strict=False)):
            self.convs.append(nn.Conv2d(before, after, 3, stride=(1 + (i < time_strides), 2), padding=1, bias=False))
            self.norms.append(nn.BatchNorm2d(after))
            bins = (bins + 1) // 2
        self.dim = bins * channels[-1]

    def out_len(self, n_frames):
        """Number of output frames; works on integers and on integer tensors."""
        for _ in range(self.time_strides):
            n_frames = (n_frames + 1) // 2
        return n_frames

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, F) and lengths to (B, T / 2**time_strides, dim) and lengths."""
        x_BCTF = frames_BTF[:, None]
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x_BCTF = norm(conv(x_BCTF)).relu()
            if i < self.time_strides:
                lengths_B = (lengths_B + 1) // 2
            # zeros past the end, as a convolution sees them past the end of an utterance alone
            x_BCTF = zero_padding(x_BCTF.transpose(1, 2), lengths_B).transpose(1, 2)
        return x_BCTF.transpose(1, 2).flatten(2), lengths_B

"""2-D convolutions on a whole clip's spectrogram, as on an image."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from asrx.models.inception import Inception
from asrx.types import Encoder, UserError

POOLS = ("sliding", "global")


class ImageCNN(nn.Module, Encoder):
    """3x3 convolutions that each halve time and frequency, one more, and all of it flattened.

    The word models of document 000 (https://github.com/ameer-alwadiya/ASR-deep-learning) with all their sizes; 210,956
    parameters at 98 frames, 50 bins and 12 labels with the defaults.

    Args:
        in_dim: feature bins F.
        in_frames: frames T of every clip, or None where they differ, which is refused.
        layers: convolutions that halve; the first has `channels[0]`, the others have `channels[1]`.
        channels: three numbers; the convolution after those that halve has the last.
        dropout: after the last convolution's pool.
        l2: weight of `penalty`.
        inception: whether three inception modules stand in for the last convolution that halves.
        pool: after the last convolution. `sliding`, as published: the largest of 12 neighbours in time, step by step,
            so that every place keeps its own numbers in the output; or `global`: the mean over time and frequency.

    Raises:
        UserError: clips that differ in length, numbers that make no network, or an unknown `pool`.
    """

    def __init__(
        self,
        in_dim: int,
        in_frames: int | None,
        layers: int = 4,
        channels: tuple[int, ...] = (32, 64, 128),
        dropout: float = 0.25,
        l2: float = 0.001,
        inception: bool = False,
        pool: str = "sliding",
    ):
        super().__init__()
        if in_frames is None:
            raise UserError("model/encoder=image_cnn needs clips of one length: set dataset.clip.seconds.")
        if len(channels) != 3:
            raise UserError(f"model.encoder.channels has {len(channels)} numbers: give three, first, middle and last.")
        if layers < 1 + inception:
            raise UserError(f"model.encoder.layers={layers} is too few: give at least {1 + inception}.")
        if pool not in POOLS:
            raise UserError(f"model.encoder.pool={pool} is none of {', '.join(POOLS)}.")
        first, middle, last = channels
        halving = (first, *(middle,) * (layers - 1 - inception))
        self.inception, before_last = nn.Sequential(), halving[-1]
        if inception:
            self.inception.extend([
                Inception(halving[-1], 64, (96, 128), (16, 32), 32),
                Inception(256, 128, (128, 192), (32, 96), 64),
                Inception(480, 192, (96, 208), (16, 48), 64),
                nn.MaxPool2d(2, ceil_mode=True),
            ])  # fmt: skip
            before_last = 512
        pairs = [*zip((1, *halving), halving, strict=False), (before_last, last)]
        self.convs = nn.ModuleList(nn.Conv2d(before, after, 3, padding=1) for before, after in pairs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(after) for _, after in pairs)
        self.halve = nn.MaxPool2d(2, ceil_mode=True)  # Keras's "same"
        self.dropout = nn.Dropout(dropout)
        self.l2, self.pool = l2, pool
        times, bins = in_frames, in_dim
        for _ in range(layers):
            times, bins = (times + 1) // 2, (bins + 1) // 2
        self.dim = last * times * bins if pool == "sliding" else last

    def out_len(self, n_frames):
        """One, whatever the number of feature frames; works on integers and on integer tensors."""
        return n_frames * 0 + 1

    def penalty(self) -> torch.Tensor:
        """`l2` times the sum of the squared kernels, a scalar for the loss (Keras's `kernel_regularizer`).

        Inception modules carry none, and the head neither.
        """
        return self.l2 * sum(conv.weight.square().sum() for conv in self.convs)

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, F) to (B, 1, D) and ones; padding inside a clip is taken as sound."""
        x_BCTF = frames_BTF[:, None]
        for conv, norm in zip(self.convs[:-1], self.norms[:-1], strict=True):
            x_BCTF = self.halve(norm(conv(x_BCTF)).relu())
        x_BCTF = self.norms[-1](self.convs[-1](self.inception(x_BCTF))).relu()
        x_BCTF = sliding_max(x_BCTF) if self.pool == "sliding" else x_BCTF.mean((2, 3), keepdim=True)
        return self.dropout(x_BCTF).flatten(1)[:, None], self.out_len(lengths_B)


def sliding_max(x_BCTF: torch.Tensor, width: int = 12) -> torch.Tensor:
    """The largest of `width` neighbours in time at each time; an even width reaches one further ahead than back."""
    padded = functional.pad(x_BCTF, (0, 0, (width - 1) // 2, width // 2), value=float("-inf"))
    return functional.max_pool2d(padded, (width, 1), stride=1)

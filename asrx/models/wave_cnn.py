"""1-D convolutions on a whole clip of raw waveform."""

from __future__ import annotations

from itertools import cycle

import torch
from torch import nn

from asrx.types import Encoder, UserError

ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU}
POOLS = {"max": nn.MaxPool1d, "average": nn.AvgPool1d}


class WaveCNN(nn.Module, Encoder):
    """Convolutions that each halve time, dense layers on every frame that is left, and all of it flattened.

    The word models of document 002 (https://github.com/JuanPabloHA/SpeechRecognition). The defaults are its last and
    best, of 1,970,830 parameters at 8,000 samples and 30 labels; fewer `channels` and no `dense` layers give the first
    ones, whose sizes are not published. Each convolution is followed by its activation, batch normalisation, a pool of
    2 and dropout of whole channels, the last one by ordinary dropout.

    Args:
        in_dim: feature bins F; 1 for the raw waveform.
        in_frames: frames T of every clip, or None where they differ, which is refused.
        channels, kernels: of each convolution; the stride is 1.
        activations: `tanh` and `relu`, taken in turn by the convolutions, and from the start again by the dense layers.
        dense: units of each dense layer, followed by its activation and batch normalisation.
        dropout: after each convolution, and after the last dense layer.
        pool: `max` or `average`.

    Raises:
        UserError: clips that differ in length or are too short, lists that differ in length, or an unknown name.
    """

    def __init__(
        self,
        in_dim: int,
        in_frames: int | None,
        channels: tuple[int, ...] = (8, 16, 24, 32),
        kernels: tuple[int, ...] = (100, 60, 40, 20),
        activations: tuple[str, ...] = ("tanh", "relu"),
        dense: tuple[int, ...] = (64, 128),
        dropout: float = 0.3,
        pool: str = "max",
    ):
        super().__init__()
        if in_frames is None:
            raise UserError("model/encoder=wave_cnn needs clips of one length: set dataset.clip.seconds.")
        if len(channels) != len(kernels):
            raise UserError(
                f"model.encoder has {len(channels)} channels and {len(kernels)} kernels: "
                "give each convolution one of each."
            )
        if unknown := set(activations) - set(ACTIVATIONS):
            raise UserError(f"model.encoder.activations: {min(unknown)} is none of {', '.join(ACTIVATIONS)}.")
        if pool not in POOLS:
            raise UserError(f"model.encoder.pool={pool} is none of {', '.join(POOLS)}.")
        frames = in_frames // 2 ** len(channels)
        if frames < 1:
            raise UserError(
                f"model.encoder halves time {len(channels)} times, but the clips have {in_frames} frames: "
                "set a longer dataset.clip.seconds or fewer model.encoder.channels."
            )
        self.convs, turn = nn.Sequential(), cycle(activations)
        for i, (before, after, kernel) in enumerate(zip((in_dim, *channels), channels, kernels, strict=False), 1):
            self.convs.extend([
                nn.ConstantPad1d(((kernel - 1) // 2, kernel // 2), 0.0),  # Keras's "same", for even kernels too
                nn.Conv1d(before, after, kernel),
                ACTIVATIONS[next(turn)](),
                nn.BatchNorm1d(after),
                POOLS[pool](2),
                nn.Dropout1d(dropout) if i < len(channels) else nn.Dropout(dropout),
            ])  # fmt: skip
        self.dense, turn, width = nn.Sequential(), cycle(activations), channels[-1]
        for before, after in zip((width, *dense), dense, strict=False):
            self.dense.extend([nn.Linear(before, after), ACTIVATIONS[next(turn)](), nn.BatchNorm1d(after)])
            width = after
        if dense:
            self.dense.append(nn.Dropout(dropout))
        self.dim = frames * width

    def out_len(self, n_frames):
        """One, whatever the number of feature frames; works on integers and on integer tensors."""
        return n_frames * 0 + 1

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, F) to (B, 1, D) and ones; padding inside a clip is taken as sound."""
        x_BTC = self.convs(frames_BTF.transpose(1, 2)).transpose(1, 2)
        x_NC = self.dense(x_BTC.flatten(0, 1))  # every frame of every clip
        return x_NC.reshape(len(frames_BTF), 1, self.dim), self.out_len(lengths_B)

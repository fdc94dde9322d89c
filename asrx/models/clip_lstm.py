"""An LSTM that gives one encoding for the whole clip."""

from __future__ import annotations

import torch
from torch import nn

from asrx.masking import mean
from asrx.models.recurrent import LSTMStack
from asrx.types import Encoder, UserError

AXES = ("time", "frequency")
POOLS = ("last", "time", "units")


class ClipLSTM(nn.Module, Encoder):
    """LSTM over one axis of the features, its outputs made one vector, then a dense layer with ReLU.

    The four digit models of document 004: the raw ones run over time (`in_dim` 1, width 25, hidden 50, pool last), the
    spectrogram ones over frequency with pool units, so each mel bin is a step and gives one number. Over time with pool
    time is what those meant to be. With ten labels Keras counts 4,510, 318,218 and (64 mels) 397,066 parameters.

    Args:
        in_dim: feature bins F.
        in_frames: frames T of every clip, or None where they differ.
        width: LSTM units.
        hidden: units of the dense layer, the output width D.
        over: the axis whose places are the steps: `time`, whose padding is left out, or `frequency`, where each bin's
            frames, the padded ones too, are what a step sees.
        pool: `last`, the output at the last step; `time`, the mean over the steps; `units`, the mean over the units,
            one number for each step.

    Raises:
        UserError: an unknown `over` or `pool`, or one that needs clips of one length where they differ.
    """

    def __init__(
        self,
        in_dim: int,
        in_frames: int | None,
        width: int = 256,
        hidden: int = 256,
        over: str = "time",
        pool: str = "time",
    ):
        super().__init__()
        if over not in AXES:
            raise UserError(f"model.encoder.over={over} is none of {', '.join(AXES)}.")
        if pool not in POOLS:
            raise UserError(f"model.encoder.pool={pool} is none of {', '.join(POOLS)}.")
        if in_frames is None and (over == "frequency" or pool == "units"):
            raise UserError(
                f"model/encoder=clip_lstm over {over} with pool={pool} needs clips of one length: "
                "set dataset.clip.seconds."
            )
        self.over, self.pool, self.dim = over, pool, hidden
        steps, size = (in_frames, in_dim) if over == "time" else (in_dim, in_frames)
        self.lstm = LSTMStack(size, width, layers=1, bidirectional=False, dropout=0.0)
        self.hidden = nn.Linear(steps if pool == "units" else width, hidden)

    def out_len(self, n_frames):
        """One, whatever the number of feature frames; works on integers and on integer tensors."""
        return n_frames * 0 + 1

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, F) and lengths to (B, 1, D) and ones."""
        if self.over == "time":
            x_BSI, steps_B = frames_BTF, lengths_B
        else:
            x_BSI, steps_B = frames_BTF.transpose(1, 2), torch.full_like(lengths_B, frames_BTF.shape[2])
        x_BSD = self.lstm(x_BSI, steps_B)  # S steps of I numbers; zeros past the last step
        if self.pool == "last":
            x_BD = x_BSD[torch.arange(len(x_BSD), device=x_BSD.device), steps_B - 1]
        elif self.pool == "time":
            x_BD = mean(x_BSD, steps_B)
        else:
            x_BD = x_BSD.mean(2)
        return self.hidden(x_BD).relu()[:, None], self.out_len(lengths_B)

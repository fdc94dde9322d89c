"""2-D convolutions, one pool, and an LSTM."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from asrx.masking import valid, zero_padding
from asrx.models.recurrent import LSTMStack
from asrx.types import Encoder, UserError

PADDINGS = ("same", "valid")


class CNNLSTM(nn.Module, Encoder):
    """3x3 convolutions with ReLU, a pool that halves time and frequency, an LSTM, and self-attention if wanted.

    The models of document 001, for 13 MFCCs and CTC over 28 symbols: 168,284 parameters with the defaults, as Keras
    counts them, 135,516 with `bidirectional` and width 64, 219,548 with channels (32, 64) and padding valid.

    Args:
        in_dim: feature bins F.
        channels: of each convolution.
        padding: of the convolutions, `same`, or `valid`, which takes two frames and two bins off at each.
        width: LSTM units in each direction.
        bidirectional: whether the LSTM also runs from the end; the output width D is then twice `width`.
        dropout: before the LSTM.
        attention_heads: of the self-attention over the LSTM's outputs, which is added to them; 0 for none.

    Raises:
        UserError: too few feature bins, an unknown padding, or heads that do not divide D.
    """

    def __init__(
        self,
        in_dim: int,
        channels: tuple[int, ...] = (32,),
        padding: str = "same",
        width: int = 128,
        bidirectional: bool = False,
        dropout: float = 0.0,
        attention_heads: int = 0,
    ):
        super().__init__()
        if padding not in PADDINGS:
            raise UserError(f"model.encoder.padding={padding} is none of {', '.join(PADDINGS)}.")
        self.trimmed = 2 * len(channels) if padding == "valid" else 0  # frames and bins that the convolutions take off
        self.shortest = self.trimmed + 2
        if in_dim < self.shortest:
            raise UserError(
                f"model.encoder needs at least {self.shortest} feature bins, but the features have {in_dim}: "
                "choose features=logmel, or fewer model.encoder.channels."
            )
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=padding)
            for before, after in zip((1, *channels), channels, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(dropout)
        bins = (in_dim - self.trimmed) // 2
        self.lstm = LSTMStack(channels[-1] * bins, width, layers=1, bidirectional=bidirectional, dropout=0.0)
        self.dim = self.lstm.dim
        if attention_heads and self.dim % attention_heads:
            raise UserError(
                f"model.encoder.attention_heads={attention_heads} does not divide the {self.dim} outputs of the LSTM: "
                "give a number that does."
            )
        self.attention = nn.MultiheadAttention(self.dim, attention_heads, batch_first=True) if attention_heads else None

    def out_len(self, n_frames):
        """Number of encoder frames of `n_frames` feature frames; works on integers and on integer tensors."""
        left = n_frames - self.trimmed
        return left // 2 * (left > 0)  # 0 for an utterance that is too short

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, F) and lengths to (B, about T / 2, D) and lengths."""
        missing = max(0, self.shortest - frames_BTF.shape[1])  # a batch of too short utterances gives one empty frame
        x_BCTF = functional.pad(frames_BTF, (0, 0, 0, missing))[:, None]
        for conv in self.convs:
            # zeros past the end, as a convolution sees them past the end of an utterance alone
            x_BCTF = zero_padding(conv(x_BCTF).relu().transpose(1, 2), lengths_B).transpose(1, 2)
        x_BTD, lengths_B = self.pool(x_BCTF).transpose(1, 2).flatten(2), self.out_len(lengths_B)
        x_BTD = self.lstm(self.dropout(x_BTD), lengths_B)
        if self.attention is not None:
            unseen_BT = ~valid(lengths_B, x_BTD.shape[1])
            seen_BTD, _ = self.attention(x_BTD, x_BTD, x_BTD, key_padding_mask=unseen_BT, need_weights=False)
            x_BTD = zero_padding(x_BTD + seen_BTD, lengths_B)
        return x_BTD, lengths_B

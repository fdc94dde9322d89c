"""What encoders that can be run while someone speaks have in common."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import nn
from torch.nn import functional

from asrx.masking import zero_padding
from asrx.types import StreamingEncoder, UserError

CONTEXT = 2  # frames before it that a convolution looks at


class CausalEncoder(nn.Module, StreamingEncoder):
    """2-D convolutions that look back only, layers that remember, and a convolution over the next few outputs, which
    encoders have as `ahead` (Deep Speech 2's row convolution, https://arxiv.org/abs/1512.02595, section 3.7).

    Args:
        in_dim: feature bins F.
        channels: of each convolution, which halves time and frequency.
        width: the output width D.
        dropout: before the layers and after them.
        lookahead: output frames after it that an output depends on; 0 for none.

    Raises:
        UserError: there are too few feature bins for the convolutions.
    """

    ahead: nn.Conv1d | None

    def __init__(self, in_dim: int, channels: tuple[int, ...], width: int, dropout: float, lookahead: int):
        super().__init__()
        if in_dim <= 2 ** (len(channels) - 1):
            raise UserError(
                f"model.encoder halves the feature bins {len(channels)} times and needs more than "
                f"{2 ** (len(channels) - 1)} of them, but the features have {in_dim}: choose features=nemo, or fewer "
                "model.encoder.channels."
            )
        self.convs, self.norms, bins = nn.ModuleList(), nn.ModuleList(), in_dim
        self.bins = []
        for before, after in zip((1, *channels), channels, strict=False):
            self.convs.append(nn.Conv2d(before, after, 3, stride=2, padding=(0, 1), bias=False))
            self.norms.append(nn.BatchNorm2d(after))
            self.bins.append((before, bins))
            bins = (bins + 1) // 2
        self.project = nn.Linear(bins * channels[-1], width)
        self.dropout = nn.Dropout(dropout)
        self.dim, self.lookahead, self.step = width, lookahead, 2 ** len(channels)

    @abstractmethod
    def remembered(self, batch: int) -> list[torch.Tensor]:
        """What the layers remember before the first frame, batch first."""

    @abstractmethod
    def whole(self, x_BTD: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """(B, T, D) and lengths through the layers."""

    @abstractmethod
    def part(self, x_BTD: torch.Tensor, memory: list[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The next (B, T, D), one or more, through the layers, and what these remember after it."""

    def out_len(self, n_frames):
        """Number of encoder frames of `n_frames` feature frames; works on integers and on integer tensors."""
        for _ in self.convs:
            n_frames = (n_frames + 1) // 2
        return n_frames

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, F) and lengths to (B, T / 2**convolutions, D) and lengths."""
        lengths_B = self.out_len(lengths_B)
        x_BCTF = frames_BTF[:, None]
        for conv, norm in zip(self.convs, self.norms, strict=True):
            # nothing that lies before an utterance's end looks at what lies past it
            x_BCTF = norm(conv(functional.pad(x_BCTF, (0, 0, CONTEXT, 0)))).relu()
        x_BTD = self.project(x_BCTF.transpose(1, 2).flatten(2)).relu()
        x_BTD = self.whole(self.dropout(x_BTD), lengths_B)
        if self.ahead is not None:
            x_BTD = zero_padding(x_BTD, lengths_B)  # nothing follows an utterance's end
            x_BTD = self._looked_ahead(functional.pad(x_BTD, (0, 0, 0, self.lookahead)))
        return zero_padding(self.dropout(x_BTD), lengths_B), lengths_B

    def begin(self, batch: int) -> list[torch.Tensor]:
        """For each convolution what it still looks at, (B, channels, frames, bins); what the layers remember; and
        outputs that wait for those after them, (B, frames, D)."""
        like = self.project.weight
        contexts = [like.new_zeros(batch, channels, CONTEXT, bins) for channels, bins in self.bins]
        return [*contexts, *self.remembered(batch), like.new_zeros(batch, 0, self.dim)]

    def advance(self, frames_BTF: torch.Tensor, state: list[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        contexts, memory, waiting_BTD = state[: len(self.convs)], state[len(self.convs) : -1], state[-1]
        x_BTD, contexts = self._convolved(frames_BTF, contexts)
        x_BTD = self.project(x_BTD).relu()
        if x_BTD.shape[1]:
            x_BTD, memory = self.part(x_BTD, memory)
        x_BTD = torch.cat([waiting_BTD, x_BTD], 1)
        ready = max(0, x_BTD.shape[1] - self.lookahead)
        return self._looked_ahead(x_BTD), [*contexts, *memory, x_BTD[:, ready:]]

    def end(self, state: list[torch.Tensor]) -> torch.Tensor:
        return self._looked_ahead(functional.pad(state[-1], (0, 0, 0, self.lookahead)))

    def _convolved(
        self, frames_BTF: torch.Tensor, contexts: list[torch.Tensor]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Outputs (B, T', channels * bins), and what the next frames are to be put after."""
        x_BCTF, left = frames_BTF[:, None], []
        for conv, norm, context_BCTF in zip(self.convs, self.norms, contexts, strict=True):
            x_BCTF = torch.cat([context_BCTF, x_BCTF], 2)
            count = max(0, (x_BCTF.shape[2] - 1) // 2)
            left.append(x_BCTF[:, :, 2 * count :])
            if count:
                x_BCTF = norm(conv(x_BCTF)).relu()
            else:
                x_BCTF = x_BCTF.new_zeros(len(x_BCTF), conv.out_channels, 0, (x_BCTF.shape[3] + 1) // 2)
        return x_BCTF.transpose(1, 2).flatten(2), left

    def _looked_ahead(self, x_BTD: torch.Tensor) -> torch.Tensor:
        """(B, T + lookahead, D) to (B, T, D)."""
        if self.ahead is None:
            return x_BTD
        if x_BTD.shape[1] <= self.lookahead:
            return x_BTD[:, :0]
        return self.ahead(x_BTD.transpose(1, 2)).transpose(1, 2)


def row_convolution(width: int, lookahead: int) -> nn.Conv1d | None:
    """A convolution over an output and those after it, of each unit by itself; none without look-ahead."""
    if not lookahead:
        return None
    ahead = nn.Conv1d(width, width, lookahead + 1, groups=width, bias=False)
    nn.init.zeros_(ahead.weight)
    ahead.weight.data[:, :, 0] = 1  # begins as a model without
    return ahead

"""A character for each frame, as document 003 has it."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import normalize

import torch
from torch import nn
from torch.nn import functional

from asrx.decoding.frames import PAD, FrameDecoder
from asrx.masking import valid
from asrx.metrics.error_rate import ErrorRate
from asrx.types import Objective, Targets, UserError


class FrameCrossEntropy(nn.Module, Objective):
    """Cross-entropy between the i-th character of the text and the i-th frame. The document compares the characters
    with all frames, of which there are more, and stops there with an error; so far its loss goes.

    Frames after the text are not looked at, as padding is ignored: nothing learns where a text ends.

    Args:
        in_dim: encoder width D.
        alphabet: the characters that can be written.
        length: the most characters of a text, and the frames that are read.

    Raises:
        UserError: the alphabet repeats a character or is empty.
    """

    monitor = "val/cer"
    modes = ErrorRate.modes

    def __init__(self, in_dim: int, alphabet: str, length: int = 20):
        super().__init__()
        own = [*normalize("NFC", alphabet), PAD]
        if not alphabet or len(set(own)) < len(own):
            raise UserError(f"model.objective.alphabet={alphabet!r} must name each character once.")
        self.decoder = FrameDecoder(own, length)
        self.head = nn.Linear(in_dim, len(own))

    def encode(self, text: str) -> list[int]:
        text = " ".join(text.split())
        if strange := sorted(set(text) - set(self.decoder.labels)):
            raise ValueError(f"characters outside model.objective.alphabet: {' '.join(map(repr, strange))}")
        if not 0 < len(text) <= self.decoder.length:
            raise ValueError(f"{len(text)} characters, and model.objective.length={self.decoder.length} are the most")
        return [self.decoder.ids[character] for character in text]

    def text(self, target: Sequence[int]) -> str:
        return "".join(self.decoder.labels[i] for i in target)

    def feasible(self, n_frames: int, target: Sequence[int]) -> bool:
        return n_frames >= len(target)

    def loss(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, targets: Targets) -> torch.Tensor:
        most = targets.ids_BU.shape[1]
        logits_BUV = self.head(enc_BTD[:, :most]).float()
        losses_BU = functional.cross_entropy(logits_BUV.transpose(1, 2), targets.ids_BU, reduction="none")
        return (losses_BU * valid(targets.lengths_B, most)).sum(1) / targets.lengths_B

    def outputs(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """Log probabilities of every character, (B, T, V) float32."""
        return self.head(enc_BTD).float().log_softmax(-1)

    def metrics(self) -> ErrorRate:
        return ErrorRate()

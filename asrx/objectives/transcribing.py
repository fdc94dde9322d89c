"""What all objectives that write transcripts share."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import normalize

from torch import nn

from asrx.metrics.error_rate import ErrorRate
from asrx.types import Objective, UserError


class Transcribing(nn.Module, Objective):
    """Transcripts in characters.

    Args:
        alphabet: the characters that can be written.
        lowercase: whether texts are lower-cased before they are encoded.

    Raises:
        UserError: the alphabet repeats a character or is empty.
    """

    monitor = "val/cer"
    modes = ErrorRate.modes

    def __init__(self, alphabet: str, lowercase: bool):
        super().__init__()
        self.alphabet, self.lowercase = normalize("NFC", alphabet), lowercase  # as texts are
        if not self.alphabet or len(set(self.alphabet)) < len(self.alphabet):
            raise UserError(f"model.objective.alphabet={alphabet!r} must name each character once.")
        self.ids = {character: i for i, character in enumerate(self.alphabet)}

    def encode(self, text: str) -> list[int]:
        text = " ".join(text.split())
        text = text.lower() if self.lowercase else text
        strange = sorted(set(text) - set(self.alphabet))
        if strange:
            raise ValueError(f"characters outside model.objective.alphabet: {' '.join(map(repr, strange))}")
        if not text:
            raise ValueError("the transcript is empty")
        return [self.ids[character] for character in text]

    def text(self, target: Sequence[int]) -> str:
        return "".join(self.alphabet[i] for i in target)

    def metrics(self) -> ErrorRate:
        return ErrorRate()

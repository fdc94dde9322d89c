"""What all objectives that write transcripts share."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from asrx.metrics.error_rate import ErrorRate
from asrx.types import Objective
from asrx.vocabularies.base import Recipe, Vocabulary, one_form
from asrx.vocabularies.characters import Characters


class Transcribing(nn.Module, Objective):
    """Transcripts.

    Args:
        alphabet: the characters that can be written, where transcripts are spelt with characters; None takes those of
            the training part.
        lowercase: whether texts are lower-cased before they are encoded.
        drop: characters that are left out of texts, such as punctuation.
        vocabulary: what transcripts are spelt with; None are characters.
        texts: the training texts.
        kept: the vocabulary of a checkpoint, or of another objective, instead of a new one.

    Raises:
        UserError: no vocabulary can be made.
    """

    monitor = "val/cer"
    modes = ErrorRate.modes

    def __init__(
        self,
        alphabet: str | None,
        lowercase: bool,
        drop: str,
        vocabulary: Recipe | None,
        texts: Sequence[str],
        kept: Vocabulary | None,
    ):
        super().__init__()
        self.lowercase, self.drop = lowercase, drop
        recipe = vocabulary or Characters()
        self.vocabulary = kept or recipe.made([one_form(text, lowercase, drop) for text in texts], alphabet)

    def encode(self, text: str) -> list[int]:
        text = one_form(text, self.lowercase, self.drop)
        if not text:
            raise ValueError("the transcript is empty")
        return self.vocabulary.encode(text)

    def text(self, target: Sequence[int]) -> str:
        return self.vocabulary.text(target)

    def metrics(self) -> ErrorRate:
        return ErrorRate()

"""Transcripts in whole words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asrx.types import UserError
from asrx.vocabularies.base import GAP, Recipe, Vocabulary, joined


class WordVocabulary(Vocabulary):
    """A label for each word; no other word can be written.

    Args:
        labels: the words, each behind `GAP`.
    """

    unit = "words"

    def __init__(self, labels: Sequence[str]):
        self.labels = list(labels)
        self.ids = {label.removeprefix(GAP): i for i, label in enumerate(self.labels)}

    def spell(self, word: str) -> list[int]:
        if word not in self.ids:
            raise ValueError(f"the word {word!r} is not in the training part, and this model writes whole words")
        return [self.ids[word]]

    def text(self, ids: Sequence[int]) -> str:
        return joined([self.labels[i] for i in ids])


@dataclass(frozen=True)
class Words(Recipe):
    """The words of the training part.

    Args:
        most: more different ones than this are too many to be learned, and refused.
    """

    most: int = 1000

    def made(self, texts: Sequence[str], alphabet: str | None) -> WordVocabulary:
        words = sorted({word for text in texts for word in text.split()})
        if len(words) > self.most:
            raise UserError(
                f"model/objective/vocabulary=words: the training part has {len(words)} different words, more than "
                f"model.objective.vocabulary.most={self.most}: choose characters or subwords, or allow more."
            )
        return WordVocabulary([GAP + word for word in words])

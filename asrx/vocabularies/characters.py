"""Transcripts in characters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import normalize

from asrx.types import UserError
from asrx.vocabularies.base import MARK, Recipe, Vocabulary, marks


class CharacterVocabulary(Vocabulary):
    """A label for each character, and for each mark.

    Args:
        labels: the characters, a space among them where there is more than one word.
    """

    unit = "characters"

    def __init__(self, labels: Sequence[str]):
        self.labels = list(labels)
        self.ids = {label: i for i, label in enumerate(self.labels)}
        self.gap = self.ids.get(" ")

    def spell(self, word: str) -> list[int]:
        labels = self._labels(word)
        if strange := sorted(set(labels) - self.ids.keys()):
            raise ValueError(f"characters outside model.objective.alphabet: {' '.join(map(repr, strange))}")
        return [self.ids[label] for label in labels]

    def words(self, text: str) -> list[tuple[str, list[int]]]:
        """A model may write spaces at the edge, and several."""
        return [(word, self.spell(word)) for word in text.split(" ")]

    def text(self, ids: Sequence[int]) -> str:
        return normalize("NFC", "".join(self.labels[i] for i in ids))

    def encode(self, text: str) -> list[int]:
        return self.spell(text)  # which names all that is strange at once

    def _labels(self, text: str) -> list[str]:
        """The characters, or marks; texts are in NFC, and some of their accents may have labels of their own."""
        found = []
        for part in re.split(f"({MARK.pattern})", text):
            for character in [part] if part in self.ids else part:
                apart = normalize("NFD", character)
                found += apart if character not in self.ids and set(apart) <= self.ids.keys() else [character]
        return found


@dataclass(frozen=True)
class Characters(Recipe):
    """The characters of `model.objective.alphabet`; where that is null, those of the training part."""

    def made(self, texts: Sequence[str], alphabet: str | None) -> CharacterVocabulary:
        own = marks(texts)
        if alphabet is None:
            alphabet = "".join(
                sorted({c for text in texts for word in text.split() if word not in own for c in word} | {" "})
            )
        letters = normalize("NFC", alphabet)
        if not letters or len(set(letters)) < len(letters):
            raise UserError(f"model.objective.alphabet={alphabet!r} must name each character once.")
        return CharacterVocabulary([*letters, *own])

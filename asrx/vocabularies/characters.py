"""Transcripts in characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import normalize

from asrx.types import UserError
from asrx.vocabularies.base import Recipe, Vocabulary, marks


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
        if word in self.ids:
            return [self.ids[word]]
        if strange := sorted({c for c in word if not self._known(c)}):
            raise ValueError(_strange(strange))
        return [self.ids[part] for c in word for part in ([c] if c in self.ids else normalize("NFD", c))]

    def words(self, text: str) -> list[tuple[str, list[int]]]:
        """A model may write spaces at the edge, and several."""
        return [(word, self.spell(word)) for word in text.split(" ")]

    def text(self, ids: Sequence[int]) -> str:
        return normalize("NFC", "".join(self.labels[i] for i in ids))

    def encode(self, text: str) -> list[int]:
        words = text.split(" ")
        strange = {c for word in words if word not in self.ids for c in word if not self._known(c)}
        if strange := sorted(strange | ({" "} if len(words) > 1 and self.gap is None else set())):
            raise ValueError(_strange(strange))
        return super().encode(text)

    def _known(self, character: str) -> bool:
        """Whether it has a label; texts are in NFC, and some of their accents may have labels of their own."""
        return character in self.ids or set(normalize("NFD", character)) <= self.ids.keys()


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


def _strange(characters: Sequence[str]) -> str:
    return f"characters outside model.objective.alphabet: {' '.join(map(repr, characters))}"

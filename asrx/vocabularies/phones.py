"""Transcripts in phones, through a lexicon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from asrx.types import UserError
from asrx.vocabularies.base import Recipe, Vocabulary, marks, one_form

GLUE = "·"  # before each of some phones that are no word
MOST = 3  # words that a sentence names


class PhoneVocabulary(Vocabulary):
    """A label for each phone, and a space between words. Phones that are no word of the lexicon are written as they
    are, `·w·ah`; of words that sound alike the first of the lexicon is written.

    Args:
        lexicon: words to their phones.
    """

    unit = "phones"

    def __init__(self, lexicon: Mapping[str, Sequence[str]]):
        self.lexicon = {word: list(phones) for word, phones in lexicon.items()}
        self.labels = [" ", *sorted({phone for phones in self.lexicon.values() for phone in phones})]
        self.ids = {label: i for i, label in enumerate(self.labels)}
        self.gap = self.ids[" "]
        self.heard: dict[tuple[str, ...], str] = {}
        for word, phones in self.lexicon.items():
            self.heard.setdefault(tuple(phones), word)

    def spell(self, word: str) -> list[int]:
        if not word:
            return []
        phones = word.split(GLUE)[1:] if word.startswith(GLUE) else self.lexicon.get(word, [""])
        if set(phones) - self.ids.keys():
            raise ValueError(f"the word {word!r} is not in model.objective.vocabulary.lexicon")
        return [self.ids[phone] for phone in phones]

    def text(self, ids: Sequence[int]) -> str:
        runs = [[self.labels[i] for i in run] for silent, run in groupby(ids, lambda i: i == self.gap) if not silent]
        return " ".join(self.heard.get(tuple(phones), "".join(GLUE + phone for phone in phones)) for phones in runs)


@dataclass(frozen=True)
class Phones(Recipe):
    """The phones of a lexicon.

    Args:
        lexicon: a file with a word and its phones on each line, `one  w ah n`; of several lines for a word the first
            is what it is taught by.
    """

    lexicon: str

    def made(self, texts: Sequence[str], alphabet: str | None) -> PhoneVocabulary:
        known = _read(self.lexicon)
        own = marks(texts)
        words = {word for text in texts for word in text.split()} - set(own)
        if missing := sorted(words - known.keys()):
            raise UserError(
                f"model.objective.vocabulary.lexicon={self.lexicon} lacks {len(missing)} of the {len(words)} words of "
                f"the training transcripts, such as {', '.join(missing[:MOST])}: add them with their phones."
            )
        return PhoneVocabulary(known | {mark: [mark] for mark in own})


def _read(path: str) -> dict[str, list[str]]:
    try:
        lines = Path(path).expanduser().read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UserError(
            f"model.objective.vocabulary.lexicon={path} cannot be read ({why}): name a text file."
        ) from None
    known: dict[str, list[str]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        word, *phones = one_form(line, lowercase=False, drop="").split()
        if not phones:
            raise UserError(f"{path}:{number} has no phones after {word!r}: write a word and its phones on each line.")
        known.setdefault(word, phones)
    return known

"""What transcripts are spelt with, and how their texts are brought to one form."""

from __future__ import annotations

import inspect
import re
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable
from unicodedata import normalize

GAP = "▁"  # before a word, as sentencepiece has it (U+2581)
MARK = re.compile(r"<[^<>\s]+>")  # a word that says something of the utterance, such as its language


@runtime_checkable
class Vocabulary(Protocol):
    """The tokens of transcripts. What one is built with is among its attributes, plain data, so that a checkpoint and
    an export can name it.

    Attributes:
        unit: what its tokens are called.
        labels: the tokens, in the order of the outputs.
        gap: the token between two words; None where there is none.
    """

    unit: str
    labels: list[str]
    gap: int | None = None

    @abstractmethod
    def spell(self, word: str) -> list[int]:
        """A word to token ids. Raises ValueError, in words, where it cannot be written."""

    @abstractmethod
    def text(self, ids: Sequence[int]) -> str:
        """Token ids to a text."""

    def words(self, text: str) -> list[tuple[str, list[int]]]:
        """The words of a text, each with its token ids; between two of them stands `gap`, where there is one."""
        return [(word, self.spell(word)) for word in text.split()]

    def encode(self, text: str) -> list[int]:
        """A text to token ids. Raises ValueError, in words, where it cannot be written."""
        gap = [] if self.gap is None else [self.gap]
        return [i for n, (_, ids) in enumerate(self.words(text)) for i in ([*gap, *ids] if n else ids)]

    def node(self) -> dict[str, Any]:
        """What `asrx.config.build` makes it of again."""
        kind = type(self)
        arguments = {name: getattr(self, name) for name in inspect.signature(kind).parameters}
        return {"_target_": f"{kind.__module__}.{kind.__qualname__}", **arguments}


class Recipe(Protocol):
    """How a vocabulary comes about: the config's `model.objective.vocabulary`."""

    @abstractmethod
    def made(self, texts: Sequence[str], alphabet: str | None) -> Vocabulary:
        """A vocabulary.

        Args:
            texts: of the training part, and no others, in their one form.
            alphabet: the characters that can be written, where the config says so.

        Raises:
            UserError: none can be made of them.
        """


def one_form(text: str, lowercase: bool, drop: str) -> str:
    """A text as it is learned and compared: NFC, single spaces, without the characters of `drop`.

    >>> one_form(" Cafe\u0301,  s'il ", True, ",")
    "café s'il"
    """
    text = normalize("NFC", text)
    text = text.lower() if lowercase else text
    text = text.translate(dict.fromkeys(map(ord, normalize("NFC", drop))))
    return normalize("NFC", " ".join(text.split()))  # lower-casing may take characters apart


def marks(texts: Sequence[str]) -> list[str]:
    """The marks of utterances, such as `<en>`: a label each, whatever words are spelt with."""
    return sorted({word for text in texts for word in text.split() if MARK.fullmatch(word)})


def spoken(text: str) -> str:
    """A text without its marks.

    >>> spoken("<en> one two")
    'one two'
    """
    return " ".join(word for word in text.split() if not MARK.fullmatch(word)) if "<" in text else text


def joined(pieces: Sequence[str]) -> str:
    """Pieces, each of which begins with `GAP` where it begins a word, to a text.

    >>> joined(["▁on", "e", "▁two"])
    'one two'
    """
    return "".join(pieces).replace(GAP, " ").strip()

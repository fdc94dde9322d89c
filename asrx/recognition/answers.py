"""What a recogniser answers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Word:
    """A word, from `start` to `end` in seconds, and the probability that it is right."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Piece:
    """A stretch of a recording that was recognised by itself, in seconds, and what was said in it."""

    start: float
    end: float
    text: str
    confidence: float
    words: list[Word] = field(default_factory=list)


@dataclass(frozen=True)
class Transcript:
    """What was said in a recording: `name` is its path, or empty for samples; `duration` is in seconds.

    A recording that is no longer than the recogniser's `longest` is one piece; a longer one has a piece for each
    stretch of speech.
    """

    name: str
    duration: float
    pieces: list[Piece]

    @property
    def text(self) -> str:
        """Of all pieces."""
        return " ".join(piece.text for piece in self.pieces if piece.text)

    @property
    def words(self) -> list[Word]:
        """Of all pieces; a model of labels has none."""
        return [word for piece in self.pieces for word in piece.words]

    @property
    def confidence(self) -> float:
        """The mean over the pieces in which something was said, weighted by their words; over all where nothing was; 1
        where nobody spoke."""
        heard = [(len(piece.words) or 1, piece.confidence) for piece in self.pieces if piece.text]
        heard = heard or [(1, piece.confidence) for piece in self.pieces] or [(1, 1.0)]
        return sum(n * confidence for n, confidence in heard) / sum(n for n, _ in heard)

"""Tokens and words in time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import torch

from asrx.types import Span
from asrx.vocabularies.base import Vocabulary


class Token(NamedTuple):
    """From frame `start` to before frame `end`, and the log probability that it is right."""

    start: int
    end: int
    logp: float


def aligned(logp_TV: torch.Tensor, ids: Sequence[int], blank: int) -> list[Token]:
    """Tokens in the most probable alignment of CTC; each has its log probability in its best frame."""
    from torchaudio.functional import forced_align

    if not ids:
        return []
    path_1T, logp_1T = forced_align(logp_TV[None].contiguous(), torch.tensor([ids]), blank=blank)
    tokens, end = [], 0
    for token, group in groupby(zip(path_1T[0].tolist(), logp_1T[0].tolist(), strict=True), key=itemgetter(0)):
        logps = [logp for _, logp in group]
        start, end = end, end + len(logps)
        if token != blank:
            tokens.append(Token(start, end, max(logps)))
    return tokens


class Spelt:
    """A text as its tokens.

    Args:
        vocabulary: that spells.
        text: of it.
    """

    def __init__(self, vocabulary: Vocabulary, text: str):
        self.words = vocabulary.words(text)
        self.gap = [] if vocabulary.gap is None else [vocabulary.gap]
        self.ids = [i for n, (_, ids) in enumerate(self.words) for i in ([*self.gap, *ids] if n else ids)]

    def spans(self, tokens: Sequence[Token]) -> tuple[float, list[Span]]:
        """The share of words that should be right, and the words; `tokens` are those of `ids`. A word is as probable as
        the geometric mean of its tokens."""
        found, place = [], 0
        for word, ids in self.words:
            own = tokens[place : place + len(ids)]
            place += len(ids) + len(self.gap)
            if own:
                confidence = math.exp(sum(token.logp for token in own) / len(own))
                found.append(Span(word, own[0].start, own[-1].end, confidence))
        return sum(word.confidence for word in found) / max(1, len(found)), found

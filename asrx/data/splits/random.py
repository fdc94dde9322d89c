"""Regardless of what was said and by whom."""

from __future__ import annotations

from dataclasses import dataclass

from asrx.data.splits.base import Drawn
from asrx.types import UserError, Utterance


@dataclass(frozen=True)
class Random(Drawn):
    """Utterances are drawn regardless of what was said and by whom."""

    speaker_disjoint = False

    def _draw(self, free: list[Utterance], shares: dict[str, float]) -> dict[str, str]:
        if len(free) <= len(shares):
            raise UserError(f"{len(free)} utterances cannot be split into train, {' and '.join(shares)}: add some.")
        return self._carve(free, shares)

    def _fold(self, free: list[Utterance], of: int) -> list[set[str]]:
        if len(free) < of:
            raise UserError(f"dataset.fold: {len(free)} utterances cannot be divided into {of} folds: add some.")
        ranked = sorted((u.id for u in free), key=self._rank)
        return [set(ranked[i::of]) for i in range(of)]

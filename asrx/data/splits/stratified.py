"""Label by label."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from asrx.data.splits.base import Drawn
from asrx.types import UserError, Utterance


@dataclass(frozen=True)
class Stratified(Drawn):
    """Utterances are drawn label by label: every label keeps its share in every part."""

    official: bool = False

    speaker_disjoint = False

    def _draw(self, free: list[Utterance], shares: dict[str, float]) -> dict[str, str]:
        labels = defaultdict(list)
        for utterance in free:
            labels[utterance.text].append(utterance)
        rarest = min(labels, key=lambda text: (len(labels[text]), text))
        if len(labels[rarest]) <= len(shares):
            raise UserError(
                f"The label {rarest!r} has {len(labels[rarest])} utterances, too few for train, {' and '.join(shares)}:"
                " record more or leave the label out; where the texts are sentences, choose dataset/split=random."
            )
        drawn = {}
        for members in labels.values():
            drawn |= self._carve(members, shares)
        return drawn

    def _fold(self, free: list[Utterance], of: int) -> list[set[str]]:
        counts = Counter(u.text for u in free)
        rarest = min(counts, key=lambda text: (counts[text], text))
        if counts[rarest] < of:
            raise UserError(
                f"dataset.fold: the label {rarest!r} has {counts[rarest]} utterances, too few for {of} folds: take "
                "fewer folds; where the texts are sentences, choose dataset/split=random."
            )
        # label after label: dealing them out in turn gives each fold its share of every label
        ranked = [u.id for u in sorted(free, key=lambda u: (u.text, self._rank(u.id)))]
        return [set(ranked[i::of]) for i in range(of)]

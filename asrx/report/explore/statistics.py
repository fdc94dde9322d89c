"""What is in a corpus: counts, durations, and what a reader should know before training on it.

All of it comes from the utterances' fields and their durations; no audio is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from asrx.types import SPLITS, Utterance

PERCENTILES = (0, 1, 5, *range(10, 91, 10), *range(91, 101))
UNEVEN = 2.0  # times as many utterances of the commonest as of the rarest are worth a warning


class Fact(NamedTuple):
    """What counts show, in words; some of it is a warning."""

    text: str
    warning: bool


class Tally(NamedTuple):
    """How often each thing occurs in each part, in `counts[split]`; `one` and `many` are its name."""

    one: str
    many: str
    counts: dict[str, Counter[str]]

    @property
    def total(self) -> Counter[str]:
        """The counts of all parts."""
        return sum(self.counts.values(), Counter())

    def rows(self, most: int, by_name: bool) -> list[tuple[str, list[int]]]:
        """The `most` commonest with their count in each part; by name, or the commonest first."""
        common = sorted(self.total.items(), key=lambda item: (-item[1], item[0]))[:most]
        names = sorted(name for name, _ in common) if by_name else [name for name, _ in common]
        return [(name, [counter[name] for counter in self.counts.values()]) for name in names]

    def spread(self) -> list[Fact]:
        """The rarest and the commonest of each part."""
        facts = []
        for split, counter in self.counts.items():
            ranked = sorted(counter, key=lambda name: (counter[name], name))
            if len(ranked) > 1:
                few, many = counter[ranked[0]], counter[ranked[-1]]
                text = (
                    f"{split}: {self.one} {ranked[0]} is the rarest with {few:,} utterance{'s' * (few > 1)} and "
                    f"{ranked[-1]} the commonest with {many:,}, {many / few:.3g} times as many"
                    if few < many
                    else f"{split}: each {self.one} has {few:,} utterances"
                )
                facts.append(Fact(text, many / few >= UNEVEN))
        return facts

    def unseen(self) -> list[Fact]:
        """What a part has and the training part has not."""
        return [
            Fact(f"{split} has {self._named(names)} that train has not", True)
            for split, counter in self.counts.items()
            if (names := sorted(set(counter) - set(self.counts["train"])))
        ]

    def absent(self) -> list[Fact]:
        """What the training part has and another has not."""
        return [
            Fact(f"{split} lacks {self._named(names)}", True)
            for split, counter in self.counts.items()
            if (names := sorted(set(self.counts["train"]) - set(counter)))
        ]

    def shared(self) -> list[Fact]:
        """What two parts have in common."""
        return [
            Fact(f"{one} and {other} share {self._named(names)}", True)
            for one, other in combinations(self.counts, 2)
            if (names := sorted(set(self.counts[one]) & set(self.counts[other])))
        ]

    def _named(self, names: Sequence[str]) -> str:
        shown = ", ".join(names[:5])
        return f"{len(names):,} {self.one if len(names) == 1 else self.many} ({shown}{', ...' if names[5:] else ''})"


def parts(utterances: Sequence[Utterance]) -> list[str]:
    """The parts that hold something, in their order."""
    held = {u.split for u in utterances}
    return [split for split in SPLITS if split in held]


def label(text: str) -> str:
    """A text as a label, as cross-entropy takes it."""
    return " ".join(text.split())


def is_labelled(utterances: Sequence[Utterance]) -> bool:
    """Whether the training texts are a closed set: at most a thousand, each of them there twice on average.

    The rule by which `asrx.objectives.cross_entropy` refuses texts, with its default `max_labels`.
    """
    texts = [label(u.text) for u in utterances if u.split == "train"]
    different = len(set(texts))
    return different <= 1000 and not 2 * different > len(texts) > 20


def tally(one: str, many: str, utterances: Sequence[Utterance], units: Callable[[Utterance], Iterable[str]]) -> Tally:
    """Count, part by part, the units that utterances hold."""
    counts = {split: Counter() for split in parts(utterances)}
    for utterance in utterances:
        counts[utterance.split].update(units(utterance))
    return Tally(one, many, counts)


def percentiles(seconds: np.ndarray) -> list[float]:
    """Those of `PERCENTILES` of the durations (N,), between two of them by linear interpolation."""
    return np.percentile(seconds, PERCENTILES).tolist()

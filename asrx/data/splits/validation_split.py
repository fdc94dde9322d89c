"""Keras's split of an array, as notebooks make it, to repeat published experiments exactly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from asrx.data.splits.base import check_fold
from asrx.types import Split, UserError, Utterance


@dataclass(frozen=True)
class ValidationSplit(Split):
    """Keras's `fit(validation_split=...)`: validate on the end of the array, before any shuffling; the test part is the
    corpus's own.

    Args:
        val: share of the utterances that are not in the test part.
    """

    val: float

    speaker_disjoint = False
    official = True
    has_folds = True

    def assign(self, utterances: Iterable[Utterance]) -> list[Utterance]:
        """The utterances in the order given, with `split` set.

        Raises:
            UserError: the corpus has no test part, or a part is empty.
        """
        given = list(utterances)
        test = [u for u in given if u.split == "test"]
        rest = [u for u in given if u.split != "test"]
        if not test:
            raise UserError(
                "dataset/split=validation_split tests on the corpus's own test part, and this corpus has none: "
                "give it one, such as dataset.root/test, or choose another dataset/split."
            )
        return self._parts(rest, test)

    def fold(self, assigned: Iterable[Utterance], of: int, index: int) -> list[Utterance]:
        """scikit-learn's `KFold` without shuffling, around such a `fit`: a fold of the array takes the place of the
        test part, which is left out, and the end of what remains validates.

        Raises:
            UserError: there is no such fold, or a part is empty.
        """
        check_fold(of, index)
        array = [u for u in assigned if u.split != "test"]
        sizes = [len(array) // of + (i < len(array) % of) for i in range(of)]
        start = sum(sizes[:index])
        end = start + sizes[index]
        return self._parts([*array[:start], *array[end:]], array[start:end])

    def _parts(self, rest: list[Utterance], test: list[Utterance]) -> list[Utterance]:
        end = int(len(rest) * (1 - self.val))
        if not 0 < end < len(rest):
            raise UserError(f"dataset.split.val={self.val} leaves a part of {len(rest)} utterances empty: change it.")
        parts = {"train": rest[:end], "val": rest[end:], "test": test}
        return [replace(u, split=split) for split, members in parts.items() for u in members]

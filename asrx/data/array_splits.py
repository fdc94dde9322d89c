"""Splits of arrays as notebooks make them, to repeat published experiments exactly.

They hold out one part, which serves for validation and test alike, or validate on the end of an array. Use
asrx.data.splits for experiments of your own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from asrx.data.splits import check_fold
from asrx.types import UserError, Utterance


@dataclass(frozen=True)
class TrainTestSplit:
    """scikit-learn's `train_test_split` of the utterances in the order of their ids: what is held out is in the
    validation and in the test part.

    Args:
        held_out: share of the utterances.
        seed: its `random_state`.
        stratify: whether every label keeps its share.
        shuffle_seed: `random_state` of a `sklearn.utils.shuffle` before it; None leaves that out.
    """

    held_out: float
    seed: int
    stratify: bool = True
    shuffle_seed: int | None = None

    speaker_disjoint = False
    official = False
    has_folds = False

    def assign(self, utterances: Iterable[Utterance]) -> list[Utterance]:
        """The training utterances, then those held out as `val`, then the same ones as `test`.

        Raises:
            UserError: the utterances cannot be split like that.
        """
        from sklearn.model_selection import train_test_split
        from sklearn.utils import shuffle

        ordered = sorted(utterances, key=lambda u: (u.copy, u.id))
        if self.shuffle_seed is not None:
            ordered = shuffle(ordered, random_state=self.shuffle_seed)
        labels = [u.text for u in ordered] if self.stratify else None
        try:
            train, rest = train_test_split(ordered, test_size=self.held_out, random_state=self.seed, stratify=labels)
        except ValueError as error:
            raise UserError(
                f"dataset.split.held_out={self.held_out}: {str(error).rstrip('.')}: change it, or add recordings."
            ) from None
        parts = {"train": train, "val": rest, "test": rest}
        return [replace(u, split=split) for split, members in parts.items() for u in members]

    def fold(self, assigned: Iterable[Utterance], of: int, index: int) -> list[Utterance]:
        """Refuse: what is held out is validated and tested on, and nothing is left to divide.

        Raises:
            UserError: always.
        """
        raise UserError("This dataset/split has no folds: choose stratified, by_speaker or random.")


@dataclass(frozen=True)
class ValidationSplit:
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

"""scikit-learn's split of an array, as notebooks make it, to repeat published experiments exactly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from asrx.types import Split, UserError, Utterance


@dataclass(frozen=True)
class TrainTestSplit(Split):
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

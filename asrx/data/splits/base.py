"""What the protocols share.

All draw by the hash of the seed and a name, as Speech Commands does (https://arxiv.org/abs/1804.03209, section 7.1):
the answer depends neither on the order of the utterances nor on the version of a random number generator.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace

from asrx.types import Split, UserError, Utterance


@dataclass(frozen=True)
class Drawn(Split):
    """What the protocols share.

    Args:
        val, test: shares of the utterances that are free to be assigned, from 0 (carves nothing) to below 1.
        seed: of the draw.
        official: keep the corpus's own validation and test parts where it has them, and carve only a missing one out of
            the rest; otherwise draw from everything.
    """

    val: float
    test: float
    seed: int = 0
    official: bool = True

    has_folds = True

    def assign(self, utterances: Iterable[Utterance]) -> list[Utterance]:
        """Answer the utterances, sorted by id, with `split` set to train, val or test.

        Raises:
            UserError: the shares are no shares, the protocol cannot be followed, or a part is empty.
        """
        for name, share in (("val", self.val), ("test", self.test)):
            if not 0 <= share < 1:
                raise UserError(f"dataset.split.{name}={share} is not a share: pass a number from 0 to below 1.")
        if self.val + self.test >= 1:
            raise UserError(
                f"dataset.split: val={self.val} and test={self.test} leave nothing to train on: lower them."
            )
        ordered = sorted(utterances, key=lambda u: u.id)
        own = {u.id: u.split for u in ordered if self.official and u.split in ("val", "test")}
        free = [u for u in ordered if u.id not in own]
        missing = {"test": self.test, "val": self.val}
        shares = {s: share for s, share in missing.items() if share and s not in own.values()}
        if not free:
            raise UserError("The corpus has no utterances to train on: all of them are for validation or test.")
        splits = own | (self._draw(free, shares) if shares else {})
        return [replace(u, split=splits.get(u.id, "train")) for u in ordered]

    def fold(self, assigned: Iterable[Utterance], of: int, index: int) -> list[Utterance]:
        """Divide what is not tested anew: one of several folds validates, and the others train.

        Args:
            assigned: what `assign` answered.
            of: the number of folds, from 2.
            index: of the one that validates, from 0.

        Raises:
            UserError: there are too few utterances, or there is no such fold.
        """
        check_fold(of, index)
        assigned = list(assigned)
        held_out = self._fold([u for u in assigned if u.split != "test"], of)[index]
        return [u if u.split == "test" else replace(u, split="val" if u.id in held_out else "train") for u in assigned]

    @abstractmethod
    def _fold(self, free: list[Utterance], of: int) -> list[set[str]]:
        """The ids of each fold; every utterance is in one of them."""

    @abstractmethod
    def _draw(self, free: list[Utterance], shares: dict[str, float]) -> dict[str, str]:
        """Which part each drawn utterance goes to, by id; what is left is for training."""

    def _rank(self, name: str) -> bytes:
        return hashlib.sha256(f"{self.seed} {name}".encode()).digest()

    def _carve(self, free: list[Utterance], shares: dict[str, float]) -> dict[str, str]:
        """Draw at least one utterance for each part, and leave at least one; there must be enough."""
        ranked = sorted(free, key=lambda u: self._rank(u.id))
        drawn = {}
        for parts_left, (split, share) in zip(range(len(shares), 0, -1), shares.items(), strict=True):
            count = min(max(1, round(share * len(free))), len(ranked) - parts_left)
            drawn |= {u.id: split for u in ranked[:count]}
            ranked = ranked[count:]
        return drawn


def check_fold(of: int, index: int) -> None:
    """Refuse a fold that does not exist."""
    if type(of) is not int or of < 2 or type(index) is not int or not 0 <= index < of:
        raise UserError(f"dataset.fold={{of: {of}, index: {index}}} is no fold: `of` counts from 2, `index` from 0.")

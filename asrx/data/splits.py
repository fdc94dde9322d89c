"""Split protocols: which utterances train, which validate, which test.

All draw by the hash of the seed and a name, as Speech Commands does (https://arxiv.org/abs/1804.03209, section 7.1):
the answer depends neither on the order of the utterances nor on the version of a random number generator.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from asrx.types import UserError, Utterance


@dataclass(frozen=True)
class _Protocol(ABC):
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


@dataclass(frozen=True)
class Random(_Protocol):
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


@dataclass(frozen=True)
class Stratified(_Protocol):
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


@dataclass(frozen=True)
class BySpeaker(_Protocol):
    """Whole speakers are drawn until a part holds its share of the utterances: no speaker is in two parts."""

    speaker_disjoint = True

    def _draw(self, free: list[Utterance], shares: dict[str, float]) -> dict[str, str]:
        uttered = {speaker: len(ids) for speaker, ids in self._utterances_of_speakers(free).items()}
        ranked = sorted(uttered, key=self._rank)
        if len(ranked) <= len(shares):
            raise UserError(
                f"dataset/split=by_speaker needs {len(shares) + 1} speakers for train, {' and '.join(shares)}, "
                f"and there are {len(ranked)}: choose dataset/split=stratified (labels) or random (sentences)."
            )
        home = {}
        for parts_left, (split, share) in zip(range(len(shares), 0, -1), shares.items(), strict=True):
            held = 0
            while held < share * len(free) and len(ranked) > parts_left:
                speaker = ranked.pop(0)
                home[speaker] = split
                held += uttered[speaker]
        return {u.id: home[u.speaker] for u in free if u.speaker in home}

    def _fold(self, free: list[Utterance], of: int) -> list[set[str]]:
        uttered = self._utterances_of_speakers(free)
        if len(uttered) < of:
            raise UserError(f"dataset.fold: {len(uttered)} speakers cannot be divided into {of} folds: take fewer.")
        folds: list[set[str]] = [set() for _ in range(of)]
        for speaker in sorted(uttered, key=lambda name: (-len(uttered[name]), self._rank(name))):
            min(folds, key=len).update(uttered[speaker])
        return folds

    def _utterances_of_speakers(self, free: list[Utterance]) -> dict[str, set[str]]:
        unknown = [u.id for u in free if u.speaker is None]
        if unknown:
            raise UserError(
                f"dataset/split=by_speaker needs to know who speaks, and {len(unknown)} utterances ({unknown[0]} ...) "
                "do not say: choose dataset/split=stratified (labels) or random (sentences)."
            )
        uttered = defaultdict(set)
        for u in free:
            uttered[u.speaker].add(u.id)
        return uttered


@dataclass(frozen=True)
class LeaveSpeakersOut:
    """Named speakers are the test part, whatever parts the corpus has; validation is drawn from the others, label by
    label. One run for each speaker is leave-one-speaker-out.

    Args:
        speakers: who is tested on, one name or several.
        val: share of the others' utterances.
        seed: of the draw.
    """

    speakers: str | Sequence[str]
    val: float
    seed: int = 0

    speaker_disjoint = False  # of training and validation; whoever is tested is heard in neither
    official = False
    has_folds = True

    def assign(self, utterances: Iterable[Utterance]) -> list[Utterance]:
        """As `_Protocol.assign`.

        Raises:
            UserError: a speaker is unknown, or nobody is left to train on.
        """
        utterances = list(utterances)
        speakers = [self.speakers] if isinstance(self.speakers, str) else self.speakers
        known = sorted({u.speaker for u in utterances if u.speaker})
        if unknown := [name for name in speakers if name not in known]:
            raise UserError(f"dataset.split.speakers: nobody is called {unknown[0]}; there are {', '.join(known)}.")
        if not 0 < len(speakers) < len(known):
            raise UserError(f"dataset.split.speakers must name some of {', '.join(known)}, and not all.")
        others = [u for u in utterances if u.speaker not in speakers]
        tested = [replace(u, split="test") for u in utterances if u.speaker in speakers]
        return sorted([*Stratified(self.val, 0.0, self.seed).assign(others), *tested], key=lambda u: u.id)

    def fold(self, assigned: Iterable[Utterance], of: int, index: int) -> list[Utterance]:
        """As `_Protocol.fold`, label by label."""
        return Stratified(self.val, 0.0, self.seed).fold(assigned, of, index)

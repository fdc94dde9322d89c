"""Speaker by speaker."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from asrx.data.splits.base import Drawn
from asrx.types import UserError, Utterance


@dataclass(frozen=True)
class BySpeaker(Drawn):
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

"""Named speakers are tested on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from asrx.data.names import nfc
from asrx.data.splits.stratified import Stratified
from asrx.types import Split, UserError, Utterance


@dataclass(frozen=True)
class LeaveSpeakersOut(Split):
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
        """As `Drawn.assign`.

        Raises:
            UserError: a speaker is unknown, or nobody is left to train on.
        """
        utterances = list(utterances)
        speakers = [nfc(name) for name in ([self.speakers] if isinstance(self.speakers, str) else self.speakers)]
        known = sorted({u.speaker for u in utterances if u.speaker})
        if unknown := [name for name in speakers if name not in known]:
            raise UserError(f"dataset.split.speakers: nobody is called {unknown[0]}; there are {', '.join(known)}.")
        if not 0 < len(speakers) < len(known):
            raise UserError(f"dataset.split.speakers must name some of {', '.join(known)}, and not all.")
        others = [u for u in utterances if u.speaker not in speakers]
        tested = [replace(u, split="test") for u in utterances if u.speaker in speakers]
        return sorted([*Stratified(self.val, 0.0, self.seed).assign(others), *tested], key=lambda u: u.id)

    def fold(self, assigned: Iterable[Utterance], of: int, index: int) -> list[Utterance]:
        """As `Drawn.fold`, label by label."""
        return Stratified(self.val, 0.0, self.seed).fold(assigned, of, index)

"""What travels between the rooms of asrx.

Shape legend, used as name suffixes everywhere: B batch, T time (samples before the features, frames after),
F feature bins, D encoder width, U target tokens, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch

SPLITS = ("train", "val", "test")


class UserError(Exception):
    """Bad input, told to the user in one sentence: what (file, line or key), what is wrong, what to do."""


@dataclass(frozen=True)
class Utterance:
    """One stretch of speech and what was said.

    `offset` and `duration` are in seconds; a `duration` of None means to the end of the file.
    `split` is the corpus's own assignment, or None where the corpus leaves it to the split protocol.

    A copy that `augment.offline` makes carries the number of its combination in `copy` (0 is the recording itself).
    Where it is a mixture, `other` is what the second voice says, and `share` the first one's weight.
    """

    id: str
    audio: str
    text: str
    speaker: str | None = None
    split: str | None = None
    offset: float = 0.0
    duration: float | None = None
    copy: int = 0
    other: str | None = None
    share: float = 1.0


class Targets(NamedTuple):
    """What was said: token ids (int64, padded with zeros) and how many of them each utterance has."""

    ids_BU: torch.Tensor
    lengths_B: torch.Tensor

    def of(self, index_B: torch.Tensor) -> Targets:
        """Those of other utterances of the batch."""
        return Targets(self.ids_BU[index_B], self.lengths_B[index_B])


class Batch(NamedTuple):
    """Utterances side by side: `wave_BT` float32 in [-1, 1] padded with zeros, `lengths_B` in samples.

    `index_B` is the place of each utterance in its split. Where the part holds mixtures, `others` is what the second
    voices say and `share_B` the weight of the first.
    """

    wave_BT: torch.Tensor
    lengths_B: torch.Tensor
    targets: Targets
    index_B: torch.Tensor
    others: Targets | None = None
    share_B: torch.Tensor | None = None

    def partners(self, index_B: torch.Tensor) -> Batch:
        """The targets of other utterances of the batch."""
        if self.others is None:
            return self._replace(targets=self.targets.of(index_B))
        return self._replace(
            targets=self.targets.of(index_B), others=self.others.of(index_B), share_B=self.share_B[index_B]
        )


@dataclass(frozen=True)
class Hypothesis:
    """What an objective answers for one utterance: the text, and its log probability (natural logarithm)."""

    text: str
    score: float

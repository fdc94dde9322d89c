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
    """

    id: str
    audio: str
    text: str
    speaker: str | None = None
    split: str | None = None
    offset: float = 0.0
    duration: float | None = None


class Targets(NamedTuple):
    """What was said: token ids (int64, padded with zeros) and how many of them each utterance has."""

    ids_BU: torch.Tensor
    lengths_B: torch.Tensor

    def of(self, index_B: torch.Tensor) -> Targets:
        """Those of other utterances of the batch."""
        return Targets(self.ids_BU[index_B], self.lengths_B[index_B])


class Batch(NamedTuple):
    """Utterances side by side: `wave_BT` float32 in [-1, 1] padded with zeros, `lengths_B` in samples.

    `index_B` is the place of each utterance in its split.
    """

    wave_BT: torch.Tensor
    lengths_B: torch.Tensor
    targets: Targets
    index_B: torch.Tensor


@dataclass(frozen=True)
class Hypothesis:
    """What an objective answers for one utterance: the text, and its log probability (natural logarithm)."""

    text: str
    score: float

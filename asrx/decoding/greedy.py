"""Best-path decoding of CTC."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from asrx.masking import valid
from asrx.types import Search


@dataclass(frozen=True)
class Greedy(Search):
    """Takes the best path; a score is that path's log probability."""

    def __call__(
        self, logp_BTV: torch.Tensor, lengths_B: torch.Tensor, blank: int
    ) -> tuple[list[list[int]], list[float]]:
        return greedy(logp_BTV, lengths_B, blank)


def greedy(logp_BTV: torch.Tensor, lengths_B: torch.Tensor, blank: int) -> tuple[list[list[int]], list[float]]:
    """Take the best token of each frame, join repeats, drop blanks (Graves et al. 2006, section 3.2).

    Args:
        logp_BTV: log probabilities. lengths_B: in frames. blank: its index in V.

    Returns:
        token ids and the path's log probability, one of each per utterance.
    """
    best = logp_BTV.max(-1)
    inside_BT = valid(lengths_B, logp_BTV.shape[1])
    fresh_BT = torch.ones_like(inside_BT)
    fresh_BT[:, 1:] = best.indices[:, 1:] != best.indices[:, :-1]
    keep_BT = inside_BT & fresh_BT & (best.indices != blank)
    tokens = best.indices[keep_BT].tolist()
    scores = best.values.masked_fill(~inside_BT, 0).sum(1).tolist()
    ends = keep_BT.sum(1).cumsum(0).tolist()
    return [tokens[start:end] for start, end in zip([0, *ends], ends, strict=False)], scores

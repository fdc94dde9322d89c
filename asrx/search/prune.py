"""Rules that end a trial early.

A rule gets curves: for each epoch the best score so far, greater is better, of the trial itself and of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from asrx.config.build import build
from asrx.types import UserError


@dataclass(frozen=True)
class ASHA:
    """Asynchronous successive halving (Li et al. 2020, https://arxiv.org/abs/1810.05934): after 2, 6, 18, ...
    epochs only the best third of those that came so far goes on.

    Args:
        min_epochs: of the first such look.
        factor: between one look and the next, and one in how many goes on.
    """

    min_epochs: int = 2
    factor: int = 3

    def __post_init__(self):
        if self.min_epochs < 1 or self.factor < 2:
            raise UserError("search.prune: ASHA takes min_epochs from 1 and a factor from 2.")

    def __call__(self, own: list[float], others: list[list[float]]) -> str | None:
        """Why the trial should end, or None."""
        epochs = len(own)
        if not self._looks_at(epochs):
            return None
        reached = sorted([own[-1], *(curve[epochs - 1] for curve in others if len(curve) >= epochs)], reverse=True)
        kept = max(1, len(reached) // self.factor)
        if own[-1] >= reached[kept - 1]:
            return None
        return f"after epoch {epochs - 1} it was not among the best {kept} of {len(reached)} trials (asha)"

    def _looks_at(self, epochs: int) -> bool:
        rung = self.min_epochs
        while rung < epochs:
            rung *= self.factor
        return rung == epochs


@dataclass(frozen=True)
class Median:
    """A trial goes on while it is at least as good as the median of the others at the same epoch (the rule of Google
    Vizier, https://doi.org/10.1145/3097983.3098043).

    Args:
        min_epochs: before the first look.
        min_trials: others that must have come so far.
    """

    min_epochs: int = 3
    min_trials: int = 4

    def __call__(self, own: list[float], others: list[list[float]]) -> str | None:
        """Why the trial should end, or None."""
        epochs = len(own)
        reached = [curve[epochs - 1] for curve in others if len(curve) >= epochs]
        if epochs < self.min_epochs or len(reached) < self.min_trials or own[-1] >= median(reached):
            return None
        return f"after epoch {epochs - 1} it was below the median of {len(reached)} trials (median)"


RULES = {"asha": ASHA, "median": Median}


def rule(chosen: Any) -> ASHA | Median:
    """The rule that `search.prune` means: a name, or a class with its arguments.

    Raises:
        UserError: it means none.
    """
    if isinstance(chosen, str) and chosen in RULES:
        return RULES[chosen]()
    if isinstance(chosen, dict) and "_target_" in chosen:
        return build(chosen, tuple(RULES.values()))
    raise UserError(f"search.prune={chosen} is none of {', '.join(RULES)}.")

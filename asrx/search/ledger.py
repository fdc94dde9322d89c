"""ledger.jsonl: a line for each trial of a sweep."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from asrx.report.sweep import read_ledger
from asrx.search.space import Point


@dataclass(frozen=True)
class Trial:
    """One point of a search and what became of it.

    Args:
        trial: its number, in the order in which trials began.
        params: the point.
        digest: names all settings of the trial that affect its result.
        state: running, finished, pruned or failed.
        score: mean of `scores`; of a pruned trial with the best so far of the run that was pruned.
        scores: of each run, by the name of its folder.
        steps, seconds: of training with its validations, all runs together.
        reason: why it was pruned or failed.
        rule: the `search.prune` that pruned it.
        fits: whether it is a point of the sweep as it is now; otherwise it is kept, and counts for nothing.
    """

    trial: int
    params: Point
    digest: str
    state: str = "running"
    score: float | None = None
    scores: dict[str, float] = field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0
    reason: str | None = None
    rule: str | dict[str, Any] | None = None
    fits: bool = True

    def folder(self, sweep: Path) -> Path:
        """Where its runs are."""
        return sweep / f"{self.trial:03}"


class Ledger:
    """The file of a sweep's folder, shared by the processes of all workers.

    Args:
        folder: of the sweep.
    """

    def __init__(self, folder: Path):
        self.path = folder / "ledger.jsonl"
        self.lock = FileLock(folder / "ledger.lock")  # whoever reads in order to write holds it

    def read(self) -> list[Trial]:
        """All trials, in their order.

        Raises:
            UserError: a line is not one of a ledger.
        """
        return [Trial(**row) for row in read_ledger(self.path)] if self.path.exists() else []

    def write(self, trials: Sequence[Trial]) -> None:
        """Replace all lines; a reader never sees half of them."""
        partial = self.path.with_suffix(".part")
        partial.write_text("".join(json.dumps(_plain(trial)) + "\n" for trial in trials), encoding="utf-8")
        os.replace(partial, self.path)

    def put(self, trial: Trial) -> None:
        """Replace the line of a trial."""
        with self.lock:
            self.write([trial if other.trial == trial.trial else other for other in self.read()])


def _plain(trial: Trial) -> dict[str, Any]:
    return asdict(trial) | {"seconds": round(trial.seconds, 2)}

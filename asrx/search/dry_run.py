"""What a sweep would do, and what it would cost."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

from asrx.report.document import clock
from asrx.search import process
from asrx.search.methods import Tried
from asrx.search.space import Point
from asrx.search.sweep import Sweep
from asrx.types import UserError

PROBING = 60.0  # seconds, and then to the end of the probe in hand


def dry_run(sweep: Sweep) -> str:
    """The trials that are known before any has a score, and what all that are left would cost.

    The cost is that of a step of training and of validation, timed for a few of the points, times the steps of an
    epoch, the epochs, folds and repeats. What early stopping and pruning would save is not in it, nor the test.

    Raises:
        UserError: a point cannot be trained.
    """
    space, method = sweep.space(), sweep.method()
    trials = sweep.reviewed()
    first = sweep.next_number(trials)
    there = [Tried(trial.params, trial.score) for trial in trials if trial.fits]
    left = max(sweep.trials() - len(there), 0)
    known: list[Point] = []
    while len(known) < (left if method.blind is None else min(left, max(method.blind - len(there), 0))):
        tried = [*there, *(Tried(point, None) for point in known)]
        known.append(method.ask(space, tried, sweep.settings["seed"]))
    lines = [f"trial {first + i}: {' '.join(space.overrides(point))}" for i, point in enumerate(known)]
    if left > len(known):
        lines.append(f"{left - len(known)} more, which depend on the scores of those before them")
    # in any order: an even stride through a grid would meet one value of a key again and again
    start, costs = time.monotonic(), []
    for point in random.Random(0).sample(known, len(known)) or [next(space.samples())]:
        costs.append(_probe(sweep, [*sweep.fixed, *space.overrides(point)]))
        if time.monotonic() - start > PROBING:
            break
    runs = left * sweep.settings["folds"] * sweep.settings["repeats"]
    jobs = sweep.settings["jobs"]
    seconds = runs * sum(costs) / len(costs) / jobs
    lines.append(
        f"{left} trials, {runs} runs of {clock(min(costs))} to {clock(max(costs))} (from the first steps of "
        f"{len(costs)} trials): about {clock(seconds)}, {jobs} at a time. Nothing was trained."
    )
    return "\n".join(lines)


def _probe(sweep: Sweep, overrides: list[str]) -> float:
    """Seconds that a run would take."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output.txt"
        seconds, reason = process.call("asrx.search.child", "probe", output, Path(folder) / "run", overrides)
        if reason:
            raise UserError(f"{' '.join(overrides)} cannot be trained: {reason}")
    return seconds

"""A worker of a sweep: takes one trial after another, each run of it in a process of its own."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from math import isfinite
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from asrx.search import process
from asrx.search.ledger import Trial
from asrx.search.sweep import Sweep


class Outcome(NamedTuple):
    """How a run ended: finished, pruned or failed."""

    state: str
    score: float | None = None
    reason: str | None = None
    steps: int = 0
    seconds: float = 0.0


def work(folder: Path, number: int) -> None:
    """Run trials until there is nothing more to do.

    Args:
        folder: of the sweep.
        number: of this worker, from 0; where there are several GPUs, each worker takes one.

    Raises:
        UserError: see `Sweep.claim`.
        KeyboardInterrupt: Ctrl-C or SIGTERM; the run in hand has written where it stopped.
    """
    sweep = Sweep.load(folder)
    if sweep.settings["jobs"] > 1:
        _take_gpu(number)
    while claim := sweep.claim():
        with claim.lock:
            trial = _run(claim.trial, sweep)
            sweep.ledger().put(trial)
        print(_line(trial, sweep), flush=True)


def _take_gpu(number: int) -> None:
    """Show the runs of this worker one of the GPUs that this process sees."""
    import torch

    seen = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    names = seen if seen != [""] else [str(i) for i in range(torch.cuda.device_count())]
    if len(names) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = names[number % len(names)]


def _run(trial: Trial, sweep: Sweep) -> Trial:
    """All runs of a trial that have no score yet."""
    overrides = [*sweep.fixed, *sweep.space().overrides(trial.params)]
    for run in sweep.runs(trial.params):
        if run.name in trial.scores:
            continue
        folder = trial.folder(sweep.folder) / run.name
        outcome = _outcome(folder, sweep) or _trained(folder, [*overrides, *run.overrides], sweep, trial)
        trial = replace(trial, steps=trial.steps + outcome.steps, seconds=trial.seconds + outcome.seconds)
        if outcome.state != "finished":
            scores = [*trial.scores.values(), outcome.score]
            score = None if None in scores else mean(scores)
            return replace(trial, state=outcome.state, score=score, reason=outcome.reason)
        trial = sweep.scored(trial, trial.scores | {run.name: outcome.score})
        sweep.ledger().put(trial)
    return trial


def _trained(folder: Path, overrides: list[str], sweep: Sweep, trial: Trial) -> Outcome:
    facts = {"sweep": sweep.folder.name, "trial": trial.trial, "params": trial.params}
    _, reason = process.call("asrx.search.child", "train", folder / "output.txt", folder, overrides, facts, sweep)
    if reason is None and (outcome := _outcome(folder, sweep)):
        return outcome
    return Outcome("failed", reason=reason or "It was stopped from outside.", steps=_steps(folder))


def _outcome(folder: Path, sweep: Sweep) -> Outcome | None:
    """How a run ended, by its files; None where it has not."""
    if not (folder / "metrics.json").exists():
        return None
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    cost = {"steps": _steps(folder), "seconds": sum(metrics["seconds"].values())}
    if metrics["state"] == "pruned":
        return Outcome("pruned", _best_so_far(folder, sweep), metrics["reason"], **cost)
    if metrics["state"] != "finished":
        return None
    name = sweep.metric.partition("/")[2]
    score = metrics["test"][name]
    if not isfinite(score):
        return Outcome("failed", reason=f"Its {sweep.metric} is {score}.", **cost)
    return Outcome("finished", score, **cost)


def _best_so_far(folder: Path, sweep: Sweep) -> float | None:
    values = [sweep.sign * float(row[sweep.metric]) for row in _epochs(folder) if row.get(sweep.metric)]
    return sweep.sign * max(values) if values else None


def _steps(folder: Path) -> int:
    return int(max((float(row["step"]) for row in _epochs(folder)), default=0))


def _epochs(folder: Path) -> list[dict[str, str]]:
    if not (folder / "metrics.csv").exists():
        return []
    with open(folder / "metrics.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _line(trial: Trial, sweep: Sweep) -> str:
    """What the terminal is told of a trial that ended."""
    score = "" if trial.score is None else f", {sweep.metric} {trial.score:.4f}"
    best = sweep.best()
    leader = f"; best: {best.score:.4f} (trial {best.trial})" if best else ""
    why = f" ({trial.reason})" if trial.reason else ""
    point = " ".join(sweep.space().overrides(trial.params))
    return f"trial {trial.trial} {trial.state}{score}, {trial.seconds:.0f} s: {point}{why}{leader}"

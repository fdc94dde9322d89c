"""A worker of a sweep: takes one trial after another, each run of it in a process of its own."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from math import isfinite
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from asrx.report.files import read_metrics
from asrx.report.folder import read_epochs
from asrx.search import process
from asrx.search.ledger import Trial
from asrx.search.sweep import Sweep
from asrx.training.callbacks.history import read_curve
from asrx.types import UserError


class Outcome(NamedTuple):
    """How a run ended: finished, pruned or failed."""

    state: str
    score: float | None = None
    reason: str | None = None


def work(folder: Path, number: int, parent: int | None) -> str | None:
    """Run trials until there is nothing more to do.

    Args:
        folder: of the sweep.
        number: of this worker, from 0; where there are several GPUs, each worker takes one.
        parent: the process with which this one is to end, by its id.

    Returns:
        in a sentence, why it stopped before the end.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM; the run in hand has written where it stopped.
    """
    if parent is not None:
        threading.Thread(target=_end_with, args=[parent], daemon=True).start()
    if Sweep.load(folder).settings["jobs"] > 1:
        _take_gpu(number)
    while True:
        sweep = Sweep.load(folder)  # each time anew: it may have been changed, and gone on with, elsewhere
        try:
            claim = sweep.claim()
        except UserError as error:
            return str(error)
        if claim is None:
            return None
        try:
            trial = _run(claim.trial, sweep)
            sweep.ledger().put(trial)
        finally:
            claim.lock.release()
        print(_line(trial, sweep), flush=True)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


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
        outcome = _outcome(folder, sweep)
        if outcome is None or outcome.state != "finished":  # what another rule pruned goes on
            outcome = _trained(folder, [*overrides, *run.overrides], sweep, trial)
        trial = _with_cost(trial, sweep)
        if outcome.state != "finished":
            scores = [*trial.scores.values(), outcome.score]
            score = None if None in scores else mean(scores)
            rule = sweep.settings["prune"] if outcome.state == "pruned" else None
            return replace(trial, state=outcome.state, score=score, reason=outcome.reason, rule=rule)
        trial = sweep.scored(trial, trial.scores | {run.name: outcome.score})
        sweep.ledger().put(trial)
    return trial


def _trained(folder: Path, overrides: list[str], sweep: Sweep, trial: Trial) -> Outcome:
    facts = {"sweep": sweep.folder.name, "trial": trial.trial, "params": trial.params}
    _, reason = process.call("asrx.search.child", "train", folder / "output.txt", folder, overrides, facts, sweep)
    if reason is None and (outcome := _outcome(folder, sweep)):
        return outcome
    return Outcome("failed", reason=reason or "It was stopped from outside.")


def _outcome(folder: Path, sweep: Sweep) -> Outcome | None:
    """How a run ended, by its files; None where it has not."""
    if not (folder / "metrics.json").exists():
        return None
    metrics = read_metrics(folder)
    if metrics["state"] == "pruned":
        curve = read_curve(folder, sweep.metric, sweep.sign)
        return Outcome("pruned", sweep.sign * curve[-1] if curve and isfinite(curve[-1]) else None, metrics["reason"])
    if metrics["state"] != "finished":
        return None
    score = metrics["test"][sweep.metric.partition("/")[2]]
    if not isfinite(score):
        return Outcome("failed", reason=f"Its {sweep.metric} is {score}.")
    return Outcome("finished", score)


def _with_cost(trial: Trial, sweep: Sweep) -> Trial:
    """The trial with the steps and seconds of the training of its runs, failed ones too."""
    folders = [trial.folder(sweep.folder) / run.name for run in sweep.runs(trial.params)]
    last = [epochs[-1] for folder in folders if (epochs := read_epochs(folder))]
    return replace(trial, steps=sum(int(row["step"]) for row in last), seconds=sum(row["seconds"] for row in last))


def _line(trial: Trial, sweep: Sweep) -> str:
    """What the terminal is told of a trial that ended."""
    score = "" if trial.score is None else f", {sweep.metric} {trial.score:.4f}"
    best = sweep.best()
    leader = f"; best: {best.score:.4f} (trial {best.trial})" if best else ""
    why = f" ({trial.reason})" if trial.reason else ""
    point = " ".join(sweep.space().overrides(trial.params))
    return f"trial {trial.trial} {trial.state}{score}, {trial.seconds:.0f} s: {point}{why}{leader}"

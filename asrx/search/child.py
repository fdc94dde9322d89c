"""What is called in a process of its own: one run of a trial, or the timing of its first steps.

Everything a run needs is imported here, once for all processes (see asrx.search.process).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from filelock import FileLock
from omegaconf import DictConfig, OmegaConf

from asrx.config.check import checked
from asrx.config.saved import literal, read_config
from asrx.search.prune import rule
from asrx.search.sweep import Sweep
from asrx.training.callbacks.probe import Probe, Probed
from asrx.training.callbacks.prune import Prune
from asrx.training.run import run
from asrx.types import UserError


def train(folder: Path, overrides: list[str], trial: dict[str, Any], sweep: Sweep) -> None:
    """Begin or continue a run; its files say how it ended.

    Args:
        folder: of the run.
        overrides: of the run.
        trial: what the run's config.yaml says of it under `search`.
        sweep: that it is part of.
    """
    with FileLock(folder / "lock"):  # a run that was killed a moment ago may still be there
        run(_config(folder, overrides, trial), folder, overrides, _pruner(folder, sweep))


def _config(folder: Path, overrides: list[str], trial: dict[str, Any]) -> DictConfig:
    if (folder / "config.yaml").exists():
        return OmegaConf.merge(read_config(folder), literal({"resume": str(folder)}))
    cfg = checked(overrides)
    cfg.search = literal(trial)
    cfg.trainer.enable_progress_bar = False
    return cfg


def _pruner(folder: Path, sweep: Sweep) -> list[Prune]:
    chosen = sweep.settings["prune"]
    if chosen is None:
        return []

    def others() -> list[Path]:
        trials = [trial for trial in sweep.ledger().read() if trial.fits and trial.state != "failed"]
        found = [trial.folder(sweep.folder) / folder.name for trial in trials]
        return [other for other in found if other != folder]

    return [Prune(rule(chosen), sweep.metric, sweep.direction, folder, others)]


def probe(folder: Path, overrides: list[str]) -> float:
    """About how many seconds a run would take, from its first steps.

    Args:
        folder: for the files of this beginning.
        overrides: of the run.
    """
    folder.mkdir()
    timed = Probe()
    cfg = _config(folder, overrides, {})
    cfg.trainer.num_sanity_val_steps = Probe.steps
    try:
        run(cfg, folder, overrides, [timed])
    except Probed:
        return timed.seconds
    raise UserError("it ended before its first step.")

"""A sweep from the command line: what it is, its workers, and what it found."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from asrx.config.build import build
from asrx.config.check import check_group, checked
from asrx.config.components import find
from asrx.config.compose import compose, groups
from asrx.config.kinds import kinds
from asrx.config.preflight import check_sweep
from asrx.search.methods import Grid
from asrx.search.prune import rule
from asrx.search.space import Interval, Space
from asrx.search.sweep import Sweep
from asrx.training.monitored import monitored
from asrx.types import Objective, Split, UserError

NAMED = 8  # trials, in a sentence
SPLIT = ("dataset.split", "dataset.fold")  # keys that say which recordings are trained and tested on


def sweep(config: DictConfig, launcher: Any, arguments: Sequence[str]) -> None:
    """Run a sweep to its end, or go on with one.

    Args:
        config: of the command, without its sweeps; has `search` and `hydra`.
        launcher: Hydra's.
        arguments: the command's overrides, but those of Hydra.

    Raises:
        UserError: the search is not one, a point makes a config that cannot be used, or too many trials failed.
    """
    planned = plan(config, arguments)
    if planned.settings["dry_run"]:
        from asrx.search.dry_run import dry_run

        print(dry_run(planned))
        return
    try:
        planned.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"search.dir={planned.folder} cannot be a folder ({error.strerror}): name another.") from None
    try:
        with FileLock(planned.folder / "sweep.lock").acquire(timeout=0):
            _sweep(planned, config, launcher, arguments)
    except Timeout:
        raise UserError(
            f"{planned.folder}: this sweep is being run already, by another command; search.dir=FOLDER makes a new one."
        ) from None


def _sweep(planned: Sweep, config: DictConfig, launcher: Any, arguments: Sequence[str]) -> None:
    ledger = planned.ledger()
    with ledger.lock:
        ledger.write(planned.reviewed())
        planned.save()
    _announce(planned)
    config.hydra.sweep.dir = str(planned.folder)  # where launchers keep their own files
    folder = json.dumps(str(planned.folder), ensure_ascii=False)
    places = [
        "+search.worker=true",
        f"search.dir={folder}",
        f"hydra.sweep.dir={folder}",
        "hydra.sweep.subdir=workers/${hydra.job.num}",
    ]
    job = [*(a for a in _fixed(arguments) if not a.startswith("search.dir=")), *places]
    results = launcher.launch([job] * planned.settings["jobs"], initial_job_idx=0)
    if stopped := next((result.return_value for result in results if result.return_value), None):
        raise UserError(stopped)
    _report(planned)
    if config.logger.get("wandb"):
        from asrx.report.loggers.wandb import Wandb

        build(config.logger.wandb, Wandb, folder=planned.folder).log_sweep()


def plan(config: DictConfig, arguments: Sequence[str]) -> Sweep:
    """What a command asks for.

    Raises:
        UserError: see `sweep`.
    """
    chosen = config.hydra.runtime.choices
    check_group(config, "search", compose([f"search={chosen['search']}"]))
    settings = OmegaConf.to_container(config.search, resolve=True)
    settings["space"] = _mapping(settings["space"]) | _sweeps(arguments)
    if not settings["space"]:
        raise UserError("There is nothing to search: give search.space, or sweeps such as model.encoder.width=64,128.")
    _check_values(settings)
    fixed = [a for a in _fixed(arguments) if not a.lstrip("+~").startswith(("search=", "search."))]
    settings["jobs"] = _jobs(settings["jobs"], config.hydra.launcher)
    name = f"{chosen.get('experiments') or 'sweep'}_{chosen['search']}_{_hash(fixed)}"
    folder = Path(str(settings.pop("dir") or f"{config.run_dir}/sweeps/{name}")).absolute()
    if folder.exists() and not folder.is_dir():
        raise UserError(f"search.dir={folder} is a file: name a folder.")
    metric, direction = settings.pop("metric"), settings.pop("direction")
    unplaced = Sweep(folder, fixed, "", "", 0, settings)
    space = unplaced.space()
    if space.size is None and isinstance(unplaced.method(), Grid):
        raise UserError("search=grid tries every point, and an interval has too many: write range(...) or choice(...).")
    if unplaced.trials() is None:
        raise UserError("This space has no end: say how many trials to run with search.trials=N.")
    _check_intervals(space, fixed)
    configs = [checked([*fixed, *space.overrides(point)]) for point in space.samples()]
    for cfg in configs:
        check_sweep(cfg)
        if settings["folds"] > 1 and not build(cfg.dataset.split, Split).has_folds:
            raise UserError("search.folds: this dataset/split has no folds: choose stratified, by_speaker or random.")
    metrics = {metric_of(cfg, metric, direction) for cfg in configs}
    if len(metrics) > 1:
        names = ", ".join(sorted({name for name, _ in metrics}))
        raise UserError(
            f"The points of this search are judged by different metrics, {names}: search one task at a time."
        )
    ((metric, direction),) = metrics
    if settings["prune"] and not metric.startswith("val/"):
        raise UserError(f"search.prune looks at validation, and search.metric={metric} is not of it: leave one out.")
    return Sweep(folder, fixed, metric, direction, configs[0].seed, settings)


def _mapping(space: Any) -> dict[str, Any]:
    if not isinstance(space, dict):
        raise UserError(f"search.space={space} should be a mapping, such as {{optimizer.lr: 'choice(1e-3, 1e-2)'}}.")
    return space


def _sweeps(arguments: Sequence[str]) -> dict[str, str]:
    """Those of the command line, as a space has them."""
    parsed = OverridesParser.create().parse_overrides(list(arguments))
    found = {o.get_key_element(): o.get_value_string() for o in parsed if o.is_sweep_override()}
    if own := next((key for key in found if key.partition(".")[0] == "search"), None):
        raise UserError(f"{own}={found[own]} says how to search, and cannot be searched: give it one value.")
    return found


def _fixed(arguments: Sequence[str]) -> list[str]:
    parsed = OverridesParser.create().parse_overrides(list(arguments))
    return [a for a, o in zip(arguments, parsed, strict=True) if not o.is_sweep_override()]


def _check_values(settings: dict[str, Any]) -> None:
    for name, least in (("folds", 1), ("repeats", 1), ("trials", 1), ("jobs", 1), ("seed", 0)):
        value = settings[name]
        if not (value is None and name in ("trials", "jobs")) and (type(value) is not int or value < least):
            raise UserError(f"search.{name}={value} should be a whole number from {least}.")
    if settings["direction"] not in (None, "min", "max"):
        raise UserError(f"search.direction={settings['direction']} is neither min nor max.")
    rate = settings["max_failure_rate"]
    if not 0 <= rate <= 1:
        raise UserError(f"search.max_failure_rate={rate} is no share: pass a number from 0 to 1.")
    if settings["prune"] is not None:
        rule(settings["prune"])


def _check_intervals(space: Space, fixed: Sequence[str]) -> None:
    """Refuse fractions where whole numbers are needed, and say how whole numbers are drawn."""
    looked_at = set()
    for point in space.samples():
        drawn = [p for p in space.active(point) if isinstance(p.domain, Interval) and not p.domain.whole]
        if new := [p for p in drawn if p.label not in looked_at]:
            looked_at |= {p.label for p in new}
            chosen = [o for o in space.overrides(point) if o.partition("=")[0] in groups()]
            whole = kinds(compose([*fixed, *chosen])).whole
            for key, low, high in [(p.key, p.domain.low, p.domain.high) for p in new if p.key in whole]:
                raise UserError(
                    f"{key} takes whole numbers, and interval({low:g}, {high:g}) has others: write "
                    f"'{key}=int(interval({low:g}, {high:g}))'."
                )


def _jobs(asked: int | None, launcher: DictConfig) -> int:
    """How many workers there are to be."""
    serial = "BasicLauncher" in launcher._target_
    if serial and asked not in (None, 1):
        raise UserError(f"search.jobs={asked} needs a launcher that runs them side by side: add hydra/launcher=joblib.")
    if asked is not None or serial:
        return asked or 1
    if "n_jobs" not in launcher:
        raise UserError("Say how many trials to run at a time: add search.jobs=N.")
    from joblib import effective_n_jobs

    return effective_n_jobs(launcher.n_jobs)


def _hash(fixed: Sequence[str]) -> str:
    """The same for the same command, whatever its space and budget."""
    return hashlib.sha256(json.dumps(list(fixed)).encode()).hexdigest()[:8]


def metric_of(cfg: DictConfig, asked: str | None, direction: str | None) -> tuple[str, str]:
    """What a config is searched for, and whether `min` or `max` is better."""
    objective = find(cfg.model.objective._target_, Objective)
    default, _ = monitored(cfg, objective)
    name = str(asked or default)
    part, _, figure = name.partition("/")
    modes = {"loss": "min"} | objective.modes
    if part not in ("val", "test") or figure not in modes:
        known = [f"{part}/{figure}" for part in ("val", "test") for figure in modes]
        raise UserError(f"search.metric={name} is none of {', '.join(known)}.")
    return name, direction or modes[figure]


def _announce(planned: Sweep) -> None:
    trials = planned.ledger().read()
    print(f"Searching {planned.metric} ({planned.direction}) in {planned.folder}: {planned.trials()} trials")
    if trials:
        kept = sum(trial.fits for trial in trials)
        other = f", {len(trials) - kept} of another space, config or data are left aside" if kept < len(trials) else ""
        print(f"{kept} of them are there already{other}.")
    if planned.metric.startswith("test/"):
        print("This chooses by the test part: its figures will be too good. search.metric=val/... does not.")


def _report(planned: Sweep) -> None:
    if changed := planned.outdated():
        which = ", ".join(map(str, changed[:NAMED])) + " ..." * (len(changed) > NAMED)
        raise UserError(
            f"The data changed while the sweep ran, so that trials {which} had other recordings, labels or parts than "
            "those that are there now: give the same command again, and they are run anew."
        )
    best = planned.best()
    if best is None:
        raise UserError(
            f"No trial was finished: see the reasons in {planned.folder}/ledger.jsonl, mend the cause, and go on with "
            "search.retry_failed=true."
        )
    from asrx.report.compare.comparison import compare

    print(compare([planned.folder], planned.folder))
    if best.params and all(key.startswith(SPLIT) for key in best.params):
        scores = [trial.score for trial in planned.ledger().read() if trial.fits and trial.state == "finished"]
        other = ""
        if planned.metric.startswith("val/"):
            other = f"; search.metric={planned.metric.replace('val/', 'test/')} scores what each leaves out"
        print(
            f"The trials differ in what they are tested on, and none is to be chosen: {planned.metric} "
            f"{sum(scores) / len(scores):.4g} on average{other}."
        )
        return
    command = [*planned.fixed, *planned.space().overrides(best.params)]
    if any(override.startswith("experiments=") for override in command):
        command.append("search=none")  # the experiment may be a search itself
    print(f"The best trained anew and tested: python -m asrx {shlex.join(command)}")

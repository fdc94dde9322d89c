"""A sweep: what it searches, and which trial is next."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout
from omegaconf import DictConfig, OmegaConf

from asrx.config.build import build
from asrx.config.check import checked
from asrx.config.compose import choices
from asrx.config.digest import digest
from asrx.config.saved import read_config
from asrx.report.files import read_json
from asrx.search.ledger import Ledger, Trial
from asrx.search.methods import Method, Tried
from asrx.search.space import Point, Space
from asrx.types import UserError

FACTS = ("metric", "direction", "fixed", "run_seed")  # what search.yaml has beside the config's `search`


class Run(NamedTuple):
    """One training of a trial: the name of its folder, and overrides that make it differ from the trial's others."""

    name: str
    overrides: list[str]


class Claim(NamedTuple):
    """A trial that this worker is to run; the lock says to others that somebody does."""

    trial: Trial
    lock: FileLock


@dataclass(frozen=True)
class Sweep:
    """What search.yaml of a sweep's folder says.

    Args:
        folder: of the sweep.
        fixed: overrides that all trials share.
        metric, direction: what is searched for, such as val/accuracy, and whether `min` or `max` is better.
        run_seed: the seed of each trial's first run.
        settings: the config's `search`.
    """

    folder: Path
    fixed: list[str]
    metric: str
    direction: str
    run_seed: int
    settings: dict[str, Any]

    def save(self) -> None:
        """Write search.yaml."""
        facts = {name: getattr(self, name) for name in FACTS}
        partial = self.folder / "search.part"
        OmegaConf.save(OmegaConf.create(self.settings | facts), partial)
        os.replace(partial, self.folder / "search.yaml")

    @classmethod
    def load(cls, folder: Path) -> Sweep:
        """Read search.yaml."""
        settings = OmegaConf.to_container(OmegaConf.load(folder / "search.yaml"))
        return cls(folder, settings=settings, **{name: settings.pop(name) for name in FACTS})

    @property
    def sign(self) -> int:
        """What a score is multiplied by, so that greater is better."""
        return 1 if self.direction == "max" else -1

    def space(self) -> Space:
        return Space(self.settings["space"], lambda group: list(choices(group)))

    def method(self) -> Method:
        return build(self.settings["method"], Method)

    def ledger(self) -> Ledger:
        return Ledger(self.folder)

    def trials(self) -> int | None:
        """How many there are to be; None where neither the space nor a budget says."""
        return min((n for n in (self.space().size, self.settings["trials"]) if n is not None), default=None)

    def runs(self, point: Point) -> list[Run]:
        """Those of a trial: each fold with each seed, from the point's own on where it has one."""
        first = point.get("seed", self.run_seed)
        folds, repeats = self.settings["folds"], self.settings["repeats"]
        part = f"test_part={self.metric.partition('/')[0]}"
        found = []
        for fold in range(folds):
            for seed in range(first, first + repeats):
                name, overrides = f"seed{seed}", [f"seed={seed}", part]
                if folds > 1:
                    name = f"fold{fold + 1}of{folds}_{name}"
                    overrides.append(f"dataset.fold={{of:{folds},index:{fold}}}")
                found.append(Run(name, overrides))
        return found

    def config(self, point: Point, space: Space) -> DictConfig:
        """The composed config of a point, checked.

        Raises:
            UserError: the point makes a config that cannot be used.
        """
        return checked([*self.fixed, *space.overrides(point)])

    def digest(self, cfg: DictConfig) -> str:
        """Names the settings of a trial that affect its result, those of the data included; not what the files hold."""
        data = OmegaConf.to_container(cfg.dataset, resolve=True)
        return digest(cfg, json.dumps([self.metric, data], sort_keys=True))

    def reviewed(self) -> list[Trial]:
        """The trials of an earlier session: which still count, and which run again."""
        space, known = self.space(), {}
        return [self._reviewed(trial, space, known) for trial in self.ledger().read()]

    def outdated(self) -> list[int]:
        """The numbers of the trials that count although their data is not what it was when they began."""
        known: dict[str, str] = {}
        return [t.trial for t in self.ledger().read() if t.fits and not self._has_its_data(t, known)]

    def _has_its_data(self, trial: Trial, known: dict[str, str]) -> bool:
        """Whether its runs were trained on what the corpus is now; `known` are the fingerprints found so far, by
        settings."""
        from asrx.data.fingerprint import described, fingerprint
        from asrx.data.prepare import prepare

        for folder in (trial.folder(self.folder) / run.name for run in self.runs(trial.params)):
            if not (folder / "config.yaml").exists():  # not begun
                continue
            began = read_json(folder / "environment.json")
            name = began.get("data_settings", str(folder))  # an earlier version did not say
            if name not in known:
                cfg = read_config(folder)
                known[name] = fingerprint(described(cfg, prepare(cfg)))
            if known[name] != began.get("data"):
                return False
        return True

    def _reviewed(self, trial: Trial, space: Space, known: dict[str, str]) -> Trial:
        fits = space.contains(trial.params)
        if fits:
            try:
                fits = self.digest(self.config(trial.params, space)) == trial.digest
            except UserError:
                fits = False
        fits = fits and self._has_its_data(trial, known)
        again = {"failed": self.settings["retry_failed"], "pruned": self.settings["prune"] != trial.rule}
        if again.get(trial.state):
            trial = replace(trial, state="running", reason=None, rule=None)
        if trial.state in ("finished", "running"):  # folds or repeats may be others now
            trial = self.scored(replace(trial, state="running"), trial.scores)
        return replace(trial, fits=fits)

    def scored(self, trial: Trial, scores: dict[str, float]) -> Trial:
        """The trial with those of the scores that the sweep's runs have; it is finished when it has all."""
        runs = self.runs(trial.params)
        kept = {run.name: scores[run.name] for run in runs if run.name in scores}
        mean = sum(kept.values()) / len(kept) if kept else None
        done = len(kept) == len(runs)
        return replace(trial, scores=kept, score=mean, state="finished" if done else trial.state)

    def claim(self) -> Claim | None:
        """The next trial to run: one that was left behind, or a new one; None when there is nothing more to do.

        Raises:
            UserError: too many trials have failed, or the next point makes a config that cannot be used.
        """
        ledger = self.ledger()
        with ledger.lock:
            trials = ledger.read()
            self._give_up(trials)
            for trial in trials:
                if trial.fits and trial.state == "running" and (lock := self._lock(trial)):
                    return Claim(trial, lock)
            counted = [trial for trial in trials if trial.fits]
            if self.settings["trials"] is not None and len(counted) >= self.settings["trials"]:
                return None
            space = self.space()
            tried = [Tried(t.params, self._loss(t)) for t in counted]
            point = self.method().ask(space, tried, self.settings["seed"])
            if point is None:
                return None
            trial = Trial(self.next_number(trials), point, self.digest(self.config(point, space)))
            ledger.write([*trials, trial])
            return Claim(trial, self._lock(trial))

    def next_number(self, trials: Sequence[Trial]) -> int:
        """One that no trial has had, also none whose line was taken out of the ledger."""
        folders = [int(path.name) for path in self.folder.glob("*") if path.name.isdecimal()]
        return max([-1, *folders, *(trial.trial for trial in trials)]) + 1

    def _loss(self, trial: Trial) -> float | None:
        done = trial.state in ("finished", "pruned") and trial.score is not None
        return -self.sign * trial.score if done else None

    def _lock(self, trial: Trial) -> FileLock | None:
        """The lock of a trial, None while another worker has it. The system frees that of a worker that died."""
        trial.folder(self.folder).mkdir(exist_ok=True)
        lock = FileLock(trial.folder(self.folder) / "lock")
        try:
            return lock.acquire(timeout=0).lock
        except Timeout:
            return None

    def _give_up(self, trials: Sequence[Trial]) -> None:
        ended = [trial for trial in trials if trial.fits and trial.state != "running"]
        failed = [trial for trial in ended if trial.state == "failed"]
        if len(ended) >= 3 and len(failed) > self.settings["max_failure_rate"] * len(ended):
            raise UserError(
                f"{len(failed)} of {len(ended)} trials failed, more than search.max_failure_rate allows; the last: "
                f"{failed[-1].reason} Mend the cause, and go on with search.retry_failed=true."
            )

    def best(self) -> Trial | None:
        """The finished trial with the best score."""
        finished = [t for t in self.ledger().read() if t.fits and t.state == "finished"]
        return max(finished, key=lambda t: self.sign * t.score, default=None)

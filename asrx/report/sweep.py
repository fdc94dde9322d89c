"""The sweep folder, read back: what was searched, and every trial with its runs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asrx.report.folder import RunFolder, read_epochs, read_run
from asrx.types import UserError

STATES = ("finished", "running", "pruned", "failed")
_KEYS = {"metric": str, "direction": str, "folds": int, "repeats": int, "space": dict, "fixed": list}
_NUMBER = (int, float, type(None))
_FIELDS = {
    "trial": int,
    "state": str,
    "params": dict,
    "score": _NUMBER,
    "scores": dict,
    "steps": _NUMBER,
    "seconds": _NUMBER,
    "reason": (str, type(None)),
    "rule": (str, dict, type(None)),
    "digest": str,
    "fits": bool,
}


@dataclass(frozen=True)
class Trial:
    """One line of the ledger.

    `score` is in units of the sweep's metric, a pruned trial's the best it reached, and None where there is none;
    `scores` are those of the single runs. `runs` are a finished trial's; `curves` are the rows of metrics.csv of each
    run that has one, whatever became of the trial.
    """

    number: int
    state: str
    params: dict[str, Any]
    score: float | None
    scores: dict[str, float | None]
    steps: float | None
    seconds: float | None
    reason: str | None
    folder: Path
    runs: list[RunFolder]
    curves: list[list[dict[str, float | None]]]


@dataclass(frozen=True)
class Sweep:
    """The files of one sweep. `direction` is max or min; `budget` is the number of trials asked for, or None."""

    path: Path
    metric: str
    direction: str
    folds: int
    repeats: int
    space: dict[str, Any]
    fixed: list[str]
    seed: int | None
    budget: int | None
    trials: list[Trial]

    @property
    def logarithmic(self) -> dict[str, bool]:
        """By key, whether the space has it on a logarithmic scale; without a key of which it does not say."""
        return dict(_scales(self.space))

    @property
    def finished(self) -> list[Trial]:
        """The trials that have a final score."""
        return [trial for trial in self.trials if trial.state == "finished"]

    def goodness(self, score: float) -> float:
        """A score such that more is better."""
        return score if self.direction == "max" else -score


def _scales(space: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import IntervalSweep
    from hydra.errors import HydraException

    for key, value in space.items():
        if isinstance(value, dict):  # what exists under one choice alone
            yield from _scales(value)
        elif isinstance(value, str):
            try:
                given = OverridesParser.create().parse_override(f"{key}={value}").value()
            except HydraException:  # an older grammar: the values that were drawn are there all the same
                continue
            tagged = "log" in getattr(given, "tags", ())
            if tagged or isinstance(given, IntervalSweep):
                yield key, tagged


def is_sweep(path: Path) -> bool:
    """Whether a folder is a sweep's and not a run's."""
    return (path / "search.yaml").is_file()


def read_sweep(path: Path) -> Sweep:
    """Reads a sweep folder, also one whose sweep still runs.

    A trial whose `fits` is false is of a search that was changed since, and is left out.

    Raises:
        UserError: search.yaml or a line of ledger.jsonl cannot be understood, or a finished trial lacks a file.
    """
    path = Path(path).resolve()
    search = _search(path / "search.yaml")
    if not (path / "ledger.jsonl").is_file():
        raise UserError(f"{path} has no ledger.jsonl: the sweep has not begun its first trial.")
    rows = {row["trial"]: row for row in read_ledger(path / "ledger.jsonl")}
    return Sweep(
        path=path,
        metric=search["metric"],
        direction=search["direction"],
        folds=search["folds"],
        repeats=search["repeats"],
        space=search["space"],
        fixed=search["fixed"],
        seed=search.get("seed"),
        budget=search.get("trials"),
        trials=[_trial(path / f"{number:03d}", row) for number, row in sorted(rows.items()) if row["fits"]],
    )


def _search(path: Path) -> dict[str, Any]:
    import yaml

    try:
        search = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise UserError(f"{path} is no YAML ({' '.join(str(error).split())}): mend it.") from error
    if not isinstance(search, dict):
        raise UserError(f"{path} holds no mapping of keys such as metric: was it only half written?")
    for key, kind in _KEYS.items():
        if not isinstance(search.get(key), kind):
            raise UserError(f"{path}: {key} is {search.get(key)!r}: give it the {kind.__name__} that the sweep had.")
    if search["direction"] not in ("max", "min"):
        raise UserError(f"{path}: direction is {search['direction']!r}: write max or min.")
    return search


def read_ledger(path: Path) -> list[dict[str, Any]]:
    """The lines of ledger.jsonl, in their order.

    Raises:
        UserError: a line is not one of a ledger.
    """
    rows: dict[int, dict[str, Any]] = {}
    # not splitlines: JSON strings may hold U+2028 and its like unescaped
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if line.strip():
            try:
                row = _row(line)
                if row["trial"] in rows:
                    raise ValueError(f"trial {row['trial']} has a line already")
            except ValueError as error:
                raise UserError(f"{path}, line {number}: {error}: mend the line or take it out.") from error
            rows[row["trial"]] = row
    return list(rows.values())


def _row(line: str) -> dict[str, Any]:
    """A line of the ledger.

    Raises:
        ValueError: what is wrong with it, in a few words.
    """
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"is no JSON ({error})") from error
    if not isinstance(row, dict):
        raise ValueError("is no JSON object")
    for field, kinds in _FIELDS.items():
        if field not in row:
            raise ValueError(f"{field} is missing")
        if not isinstance(row[field], kinds):
            raise ValueError(f"{field} is {row[field]!r}")
    if strange := sorted(set(row) - set(_FIELDS)):
        raise ValueError(f"{strange[0]} is nothing that a trial has")
    if row["state"] not in STATES:
        raise ValueError(f"state is {row['state']!r}, not one of {', '.join(STATES)}")
    scores = [row["score"], *row["scores"].values()]
    if any(not isinstance(score, _NUMBER) or (score is not None and not math.isfinite(score)) for score in scores):
        raise ValueError("a score is no finite number")
    if row["state"] == "finished" and (None in scores or not row["scores"]):
        raise ValueError("the trial is finished but has no score")
    return row


def _trial(folder: Path, row: dict[str, Any]) -> Trial:
    runs = []
    if row["state"] == "finished":
        if lost := next((name for name in row["scores"] if not (folder / name).is_dir()), None):
            raise UserError(
                f"{folder / lost} is gone, though the ledger calls trial {row['trial']} finished: bring it back, or "
                "take the trial out of ledger.jsonl."
            )
        runs = [read_run(folder / name) for name in row["scores"]]
        if untested := next((run for run in runs if not run.predictions), None):
            raise UserError(
                f"{untested.path} was not tested, though the ledger calls trial {row['trial']} finished: bring its "
                "metrics.json back, or take the trial out of ledger.jsonl."
            )
        curves = [run.epochs for run in runs]
    else:
        curves = [read_epochs(path.parent) for path in sorted(folder.glob("*/metrics.csv"))]
    facts = {field: row[field] for field in ("state", "params", "score", "scores", "steps", "seconds", "reason")}
    return Trial(number=row["trial"], folder=folder, runs=runs, curves=curves, **facts)

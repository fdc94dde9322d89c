"""Systems to compare: a run is one, and so is a trial of a sweep with all its folds and seeds."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple

from asrx.report.errors import Judged, kind_of
from asrx.report.folder import PLACES, Prediction, RunFolder
from asrx.report.sweep import Sweep, Trial
from asrx.types import UserError

Key = tuple[str, str, int]  # of a `Prediction`, and how many like it came before


class Count(NamedTuple):
    """Errors in one utterance, and what could have been wrong; means over the runs that answered it. The prediction is
    that of one of them."""

    errors: float
    units: float
    prediction: Prediction


class Search(NamedTuple):
    """What a sweep says of a trial: its score in the metric, and those of its runs."""

    metric: str
    score: float | None
    scores: list[float]

    @property
    def spread(self) -> float | None:
        """The standard deviation over folds and seeds."""
        return stdev(self.scores) if len(self.scores) > 1 else None


@dataclass(frozen=True)
class System:
    """One row of the comparison.

    `kind`, `part` and `counts` (by recording and reference) are None where nothing was tested, for which `reason` may
    say why. `curves` are the rows of metrics.csv of each run. `parameters` is the size of the model, `search` None for
    a run.
    """

    name: str
    folder: Path
    state: str
    reason: str | None
    params: dict[str, Any]
    search: Search | None
    kind: str | None
    part: str | None
    counts: dict[Key, Count] | None
    curves: list[list[dict[str, float | None]]]
    parameters: int | None
    steps: float | None
    seconds: float | None


def of_run(run: RunFolder, name: str) -> System:
    """A run as a system; its overrides are its parameters.

    Raises:
        UserError: metrics.json names no known kind.
    """
    tested = bool(run.predictions)
    return System(
        name=name,
        folder=run.path,
        state=run.metrics["state"],
        reason=None if tested else "it was not tested",
        params=_overridden(run.overrides),
        search=None,
        **_tested([run] if tested else []),
        curves=[run.epochs],
        steps=run.epochs[-1].get("step") if run.epochs else None,
        seconds=sum((run.metrics.get("seconds") or {}).values()),
    )


def of_trial(sweep: Sweep, trial: Trial, name: str) -> System:
    """A trial as a system; what the sweep fixed is among its parameters.

    Raises:
        UserError: metrics.json of one of its runs names no known kind, or its runs differ in kind or part.
    """
    check_alike([(run.path, run.metrics.get("kind"), run.metrics.get("part", "test")) for run in trial.runs])
    scores = [score for score in trial.scores.values() if score is not None]
    return System(
        name=name,
        folder=trial.folder,
        state=trial.state,
        reason=trial.reason,
        params=_overridden(sweep.fixed) | trial.params,
        search=Search(sweep.metric, trial.score, scores),
        **_tested(trial.runs),
        curves=trial.curves,
        steps=trial.steps,
        seconds=trial.seconds,
    )


def check_alike(results: Sequence[tuple[Path, str, str]]) -> None:
    """See that results, each a folder with its kind and part, can be compared.

    Raises:
        UserError: two differ.
    """
    for what, place in (("kind", 1), ("part", 2)):
        if odd := next((result for result in results if result[place] != results[0][place]), None):
            raise UserError(
                f"{odd[0]} and {results[0][0]} cannot be compared: their {what}s are {odd[place]} and "
                f"{results[0][place]}; name runs that share one."
            )


def written(value: Any) -> str:
    """A parameter's value as text: 0.001, specaug, true, null, [1, 2]."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def varied(params: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys that do not have the same value everywhere, or are absent somewhere."""
    keys = dict.fromkeys(key for one in params for key in one)
    return [key for key in keys if len({written(one[key]) if key in one else None for one in params}) > 1]


def _overridden(overrides: Sequence[str]) -> dict[str, Any]:
    pairs = (override.lstrip("+").partition("=") for override in overrides)
    return {key: value for key, _, value in pairs if not key.startswith(PLACES)}


def _tested(runs: Sequence[RunFolder]) -> dict[str, Any]:
    if not runs:
        return {"kind": None, "part": None, "counts": None, "parameters": None}
    counts = _counts(runs)
    metrics = runs[0].metrics
    return {
        "kind": metrics["kind"],
        "part": metrics.get("part", "test"),
        "counts": counts,
        "parameters": metrics.get("parameters"),
    }


def _counts(runs: Sequence[RunFolder]) -> dict[Key, Count]:
    """Folds answer different utterances, seeds the same ones."""
    answers = defaultdict(list)
    for run in runs:
        met = Counter()
        steps = kind_of(run).align(run.predictions)
        for one in map(Judged, run.predictions, steps):
            key = one.prediction.key
            answers[*key, met[key]].append(one)  # a recording that is there twice counts twice
            met[key] += 1
    return {
        name: Count(mean(one.errors for one in same), mean(one.units for one in same), same[0].prediction)
        for name, same in answers.items()
    }

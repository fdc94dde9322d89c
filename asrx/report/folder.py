"""The run folder, read back: everything a report is made from."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from asrx.config.saved import LAST, own_overrides
from asrx.report.files import read_json, read_metrics
from asrx.types import UserError, reason

PREDICTIONS, DOUBTFUL = "predictions.jsonl", "doubtful.jsonl"
# what JSON may hold for a field of these kinds
_KINDS = {float: int | float, float | None: int | float | None, list[dict[str, Any]]: list, dict[str, Any]: dict}
# overrides that say where things are or how they are shown
PLACES = ("dataset.root", "data_dir", "run_dir", "hydra.", "logger", "trainer.enable_progress_bar")


@dataclass(frozen=True)
class Prediction:
    """One test utterance and what the model answered; times in seconds, `score` a natural log probability.

    `recording` is its source in the waveform store and `seconds` its length there, empty in a folder of an earlier
    version. `tags` are what else the data say of it. `words` have text, start, end and confidence; a label and a trial
    of a search have none.
    """

    id: str
    audio: str
    offset: float
    duration: float | None
    speaker: str | None
    reference: str
    hypothesis: str
    score: float
    recording: str = ""
    seconds: float | None = None
    tags: dict[str, Any] = field(default_factory=dict)
    words: list[dict[str, Any]] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same test in another run: the sound, wherever it lies, and what should be answered."""
        return self.recording or f"{self.audio} {self.offset}", self.reference


@dataclass(frozen=True)
class RunFolder:
    """The files of one run; `epochs` has one row per epoch (None for an empty or non-finite cell), and `doubtful` the
    training utterances whose transcript is probably wrong (see `asrx.training.doubtful`)."""

    path: Path
    config: str
    overrides: list[str]
    environment: dict[str, str]
    metrics: dict[str, Any]
    epochs: list[dict[str, float | None]]
    predictions: list[Prediction]
    doubtful: list[Prediction] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Those of the part that was tested, by names such as test/wer; empty where none was."""
        part = self.metrics.get("part", "test")
        return {f"{part}/{name}": value for name, value in (self.metrics["test"] or {}).items()}


def read_run(path: Path) -> RunFolder:
    """Reads a run folder; an interrupted run has no predictions and maybe no epochs.

    Raises:
        UserError: a file every run has is missing, or a file cannot be parsed or lacks lines.
    """
    path = Path(path).resolve()
    for name in ("config.yaml", "overrides.yaml", "environment.json", "metrics.json"):
        if not (path / name).is_file():
            raise UserError(f"{path} is not a run folder: it has no {name}.")
    run = RunFolder(
        path=path,
        config=_parse(path / "config.yaml", _whole),
        overrides=own_overrides(path),
        environment=read_json(path / "environment.json"),
        metrics=read_metrics(path),
        epochs=read_epochs(path),
        predictions=_parse(path / PREDICTIONS, _predictions),
        doubtful=_parse(path / DOUBTFUL, _predictions),
    )
    tested = (run.metrics.get("test") or {}).get("utterances", 0)
    if len(run.predictions) < tested:
        raise UserError(
            f"{path / PREDICTIONS} has {len(run.predictions)} of {tested:.0f} lines: bring it back as the run wrote it."
        )
    return run


def read_epochs(path: Path) -> list[dict[str, float | None]]:
    """The rows of a run folder's metrics.csv; none where no epoch was finished.

    Raises:
        UserError: the file cannot be parsed.
    """
    return _parse(path / "metrics.csv", _epochs)


def _parse(path: Path, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(path.read_text(encoding="utf-8") if path.is_file() else "")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} cannot be read ({reason(error)}); was it edited or only half written?") from error


def _whole(config: str) -> str:
    if not re.search(rf"^{LAST}:", config, re.MULTILINE):
        raise ValueError("it is empty or cut off")
    return config


def _predictions(text: str) -> list[Prediction]:
    return [_prediction(json.loads(line)) for line in _lines(text)]


def _prediction(row: dict[str, Any]) -> Prediction:
    known = {one.name for one in fields(Prediction)}
    prediction = Prediction(**{name: value for name, value in row.items() if name in known})
    for name, kind in get_type_hints(Prediction).items():
        if not isinstance(value := getattr(prediction, name), _KINDS.get(kind, kind)):
            raise ValueError(f"{name} is {value!r}")
    return prediction


def _lines(text: str) -> list[str]:
    # not splitlines: JSON strings may hold U+2028 and its like unescaped
    return [line for line in text.split("\n") if line.strip()]


def _epochs(text: str) -> list[dict[str, float | None]]:
    return [{name: _number(cell) for name, cell in row.items()} for row in csv.DictReader(_lines(text))]


def _number(cell: str | None) -> float | None:
    number = float(cell or "nan")
    return number if math.isfinite(number) else None

"""The user's own data, listed in a file: JSONL with NeMo's fields, CSV or TSV."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asrx.config.compose import nearest
from asrx.types import Corpus, UserError, Utterance

REQUIRED = ("audio_filepath", "text")
OPTIONAL = ("duration", "offset", "speaker")


@dataclass(frozen=True)
class Manifest(Corpus):
    """One line per utterance; an utterance is named after its line, "train:12".

    Args:
        train, val, test: the files, .jsonl or .json (one JSON object per line), .csv or .tsv (with a header); `val` and
            `test` may be None, and are then carved out of `train` by the split protocol. Audio paths are relative to
            the file's folder.
        columns: the file's name for each of audio_filepath, text, duration, offset (both in seconds) and speaker, where
            it is another.
    """

    train: str
    val: str | None = None
    test: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    licence = "the user's own"

    def prepare(self) -> list[Utterance]:
        """Read the files.

        Raises:
            UserError: a file is missing, empty or malformed, or `columns` names an unknown field.
        """
        for name in self.columns:
            if name not in REQUIRED + OPTIONAL:
                raise UserError(
                    f"dataset.columns.{name} is no field of a manifest.{nearest(name, REQUIRED + OPTIONAL)} "
                    f"It has {', '.join(REQUIRED + OPTIONAL)}."
                )
        files = {"train": self.train, "val": self.val, "test": self.test}
        return [
            utterance
            for split, path in files.items()
            if path is not None
            for utterance in self._read(Path(path).expanduser(), split)
        ]

    def _read(self, path: Path, split: str) -> list[Utterance]:
        if path.suffix not in READERS:
            raise UserError(
                f"dataset.{split}={path} is none of {', '.join(READERS)}: convert it, or rename it to what it is."
            )
        if not path.is_file():
            raise UserError(f"dataset.{split}={path} is not a file: pass the path of a manifest.")
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                utterances = [self._utterance(path, split, line, row) for line, row in READERS[path.suffix](path, file)]
        except UnicodeDecodeError as error:
            raise UserError(f"{path} is not UTF-8 ({error}): save it as UTF-8.") from None
        if not utterances:
            raise UserError(f"{path} lists no utterances: write one line for each.")
        return utterances

    def _utterance(self, path: Path, split: str, line: int, row: dict[str, Any]) -> Utterance:
        where = f"{path}:{line}"
        names = {name: self.columns.get(name, name) for name in REQUIRED + OPTIONAL}
        for name, column in names.items():
            if column not in row and (name in REQUIRED or column != name):
                raise UserError(
                    f"{where} has no {column}.{nearest(column, row)} It has {', '.join(row)}: "
                    f"add {column}, or name the right one in dataset.columns.{name}."
                )
        for name in REQUIRED:
            if not isinstance(row[names[name]], str):
                raise UserError(
                    f"{where}: {names[name]} is {json.dumps(row[names[name]])}, not a string: put it in quotes."
                )
        if not row[names["audio_filepath"]]:
            raise UserError(f"{where}: {names['audio_filepath']} is empty: write the path of the recording.")
        speaker = row.get(names["speaker"])
        return Utterance(
            id=f"{split}:{line}",
            audio=str(path.parent / row[names["audio_filepath"]]),
            text=row[names["text"]],
            speaker=None if speaker in (None, "") else str(speaker),
            split=split,
            offset=_seconds(where, names["offset"], row) or 0.0,
            duration=_seconds(where, names["duration"], row, positive=True),
        )


def _seconds(where: str, column: str, row: dict[str, Any], positive: bool = False) -> float | None:
    value = row.get(column)
    if value in (None, ""):
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0 or (positive and seconds == 0):
        bound = "above 0" if positive else "0 or more"
        raise UserError(f"{where}: {column} is {json.dumps(value)}: write a number of seconds, {bound}.")
    return seconds


def _json_lines(path: Path, file: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise UserError(
                f"{path}:{number} is not JSON ({error.msg} at column {error.colno}): correct the line."
            ) from None
        if not isinstance(row, dict):
            raise UserError(
                f'{path}:{number} is not a JSON object: write {{"audio_filepath": ..., "text": ...}} on each line.'
            )
        yield number, row


def _table(path: Path, file: Iterable[str], **dialect: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = csv.reader(file, strict=True, **dialect)
    try:
        header = next(rows, [])
        for cells in rows:
            if len(cells) != len(header) and cells:
                raise UserError(
                    f"{path}:{rows.line_num} has {len(cells)} cells but the header has {len(header)}: "
                    "put a cell with the separator in it in quotes, or add what is missing."
                )
            if cells:
                yield rows.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise UserError(f"{path}:{rows.line_num} is malformed ({error}): correct the line.") from None


def _comma_separated(path: Path, file: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    return _table(path, file)


def _tab_separated(path: Path, file: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    return _table(path, file, delimiter="\t", quoting=csv.QUOTE_NONE)


READERS = {".jsonl": _json_lines, ".json": _json_lines, ".csv": _comma_separated, ".tsv": _tab_separated}

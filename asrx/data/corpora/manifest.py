"""The user's own data, listed in a file: JSONL with NeMo's fields, CSV or TSV."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from asrx.config.compose import nearest
from asrx.data.names import nfc
from asrx.types import Corpus, UserError, Utterance

REQUIRED = ("audio_filepath", "text")
OPTIONAL = ("duration", "offset", "speaker")


@dataclass(frozen=True)
class Manifest(Corpus):
    """One line per utterance; an utterance is named after its line, "train:12", and where its part has several files
    after the file's place among them too, "train:2:12".

    Args:
        train, val, test: the files, one or a list: .jsonl or .json (one JSON object per line), .csv (with commas,
            semicolons or tabs) or .tsv, both with a header; `val` and `test` may be None, and are then carved out of
            `train` by the split protocol. Audio paths are relative to the file's folder.
        columns: the file's name for each of audio_filepath, text, duration, offset (both in seconds) and speaker, where
            it is another. All other columns that hold texts, numbers, true or false become tags, such as accent or snr.
    """

    train: str | Sequence[str]
    val: str | Sequence[str] | None = None
    test: str | Sequence[str] | None = None
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
        parts = {"train": self.train, "val": self.val, "test": self.test}
        return [
            utterance
            for split, named in parts.items()
            if named is not None
            for name, path in _files(split, named)
            for utterance in self._read(path, split, name)
        ]

    def _read(self, path: Path, split: str, name: str) -> list[Utterance]:
        if path.suffix not in READERS:
            raise UserError(
                f"dataset.{split}={path} is none of {', '.join(READERS)}: convert it, or rename it to what it is."
            )
        if not path.is_file():
            raise UserError(f"dataset.{split}={path} is not a file: pass the path of a manifest.")
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = READERS[path.suffix](path, file)
                utterances = [self._utterance(path, line, row, f"{name}:{line}", split) for line, row in rows]
        except UnicodeDecodeError as error:
            raise UserError(f"{path} is not UTF-8 ({error}): save it as UTF-8.") from None
        if not utterances:
            raise UserError(f"{path} lists no utterances: write one line for each.")
        return utterances

    def _utterance(self, path: Path, line: int, row: dict[str, Any], name: str, split: str) -> Utterance:
        where = f"{path}:{line}"
        names = {name: nfc(self.columns.get(name, name)) for name in REQUIRED + OPTIONAL}
        for key, column in names.items():
            if column not in row and (key in REQUIRED or column != key):
                raise UserError(
                    f"{where} has no {column}.{nearest(column, row)} It has {', '.join(row)}: "
                    f"add {column}, or name the right one in dataset.columns.{key}."
                )
        for key in REQUIRED:
            if not isinstance(row[names[key]], str):
                raise UserError(
                    f"{where}: {names[key]} is {json.dumps(row[names[key]])}, not a string: put it in quotes."
                )
        if not row[names["audio_filepath"]]:
            raise UserError(f"{where}: {names['audio_filepath']} is empty: write the path of the recording.")
        speaker = row.get(names["speaker"])
        return Utterance(
            id=name,
            audio=str(path.parent / row[names["audio_filepath"]]),
            text=row[names["text"]],
            speaker=None if speaker in (None, "") else str(speaker),
            split=split,
            offset=_seconds(where, names["offset"], row) or 0.0,
            duration=_seconds(where, names["duration"], row, positive=True),
            tags=tuple(_tag(*pair) for pair in row.items() if pair[0] not in names.values() and _says(pair[1])),
        )


def _says(value: Any) -> bool:
    return isinstance(value, str | int | float) and value != ""


@cache  # one of each in memory
def _tag(name: str, value: str | int | float) -> tuple[str, str]:
    return name, value if isinstance(value, str) else json.dumps(value)


def _files(split: str, named: str | Sequence[str]) -> list[tuple[str, Path]]:
    """The files of a part, each with what its utterances are named after."""
    paths = [named] if isinstance(named, str) else list(named)
    if not paths or not all(isinstance(path, str) for path in paths):
        raise UserError(f"dataset.{split}={named} should be the path of a manifest, or a list of them.")
    names = [split] if len(paths) == 1 else [f"{split}:{number}" for number in range(1, len(paths) + 1)]
    return [(name, Path(path).expanduser()) for name, path in zip(names, paths, strict=True)]


def _seconds(where: str, column: str, row: dict[str, Any], positive: bool = False) -> float | None:
    value = row.get(column)
    if value in (None, ""):
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
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
            row = json.loads(line, object_pairs_hook=_once)
        except _Twice as error:
            raise UserError(f"{path}:{number} has {error} twice: keep one.") from None
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}:{number} is not JSON ({error}): correct the line.") from None
        if not isinstance(row, dict):
            raise UserError(
                f'{path}:{number} is not a JSON object: write {{"audio_filepath": ..., "text": ...}} on each line.'
            )
        yield number, row


class _Twice(Exception):
    """The name of a field that a line has twice."""


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in pairs:
        if nfc(name) in row:
            raise _Twice(name)
        row[nfc(name)] = value
    return row


def _table(path: Path, file: Iterable[str], **dialect: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = csv.reader(file, strict=True, **dialect)
    try:
        header = [nfc(name) for name in next(rows, [])]
        _once([(name, None) for name in header if name])
        for cells in rows:
            if len(cells) != len(header) and cells:
                raise UserError(
                    f"{path}:{rows.line_num} has {len(cells)} cells but the header has {len(header)}: "
                    "put a cell with the separator in it in quotes, or add what is missing."
                )
            if cells:
                yield rows.line_num, dict(zip(header, cells, strict=True))
    except _Twice as error:
        raise UserError(f"{path}:1 has the column {error} twice: keep one, or give them two names.") from None
    except csv.Error as error:
        raise UserError(f"{path}:{rows.line_num} is malformed ({error}): correct the line.") from None


def _separated(path: Path, file: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """With commas; or with semicolons, as spreadsheets write where the comma is in numbers, or tabs."""
    lines = iter(file)
    header = next(lines, "")
    bare = re.sub(r'"[^"]*"', "", header)
    return _table(path, chain([header], lines), delimiter=max(",;\t", key=bare.count))


def _tab_separated(path: Path, file: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    return _table(path, file, delimiter="\t", quoting=csv.QUOTE_NONE)


READERS = {".jsonl": _json_lines, ".json": _json_lines, ".csv": _separated, ".tsv": _tab_separated}

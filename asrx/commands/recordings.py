"""The recordings that a command is given: files, and folders of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asrx.types import UserError

if TYPE_CHECKING:
    from asrx.recognition.sources import Recording


def files_of(audio: Sequence[Path]) -> list[Path]:
    """The files named, and those of the folders named.

    Raises:
        UserError: a folder holds none.
    """
    from asrx.recognition.sources import recordings_below

    return [file for path in audio for file in (recordings_below(path) if path.is_dir() else [path])]


def readable(paths: Sequence[Path], sample_rate: int, bad: list[str]) -> Iterator[Recording]:
    """The recordings that can be used; the others are named on standard error and go into `bad`."""
    from asrx.recognition.sources import read

    for path in paths:
        try:
            yield read(path, sample_rate)
        except UserError as error:
            bad.append(str(path))
            print(f"asrx: {error}", file=sys.stderr)

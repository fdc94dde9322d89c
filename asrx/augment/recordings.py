"""A folder of recordings that augmentations take sounds from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from asrx.sound.recording import Recording, Unusable
from asrx.types import UserError

SUFFIXES = (".wav", ".flac", ".ogg")


def find(folder: str, what: str) -> list[Path]:
    """The audio files in a folder and the folders below, linked ones too, in the order of their names.

    What begins with a dot is left out, such as the `._a.wav` that macOS puts beside `a.wav`.

    Args:
        folder: where to look.
        what: what they should be recordings of, for the message.

    Raises:
        UserError: there is no such folder, or no such file in it.
    """
    if not Path(folder).is_dir():
        raise UserError(f"folder={folder} is not a folder: pass the folder that holds {what}.")
    if paths := sorted(path for path in _visible(Path(folder)) if path.suffix.lower() in SUFFIXES):
        return paths
    raise UserError(f"folder={folder} holds no {', '.join(SUFFIXES)}: pass the folder that holds {what}.")


def _visible(folder: Path) -> Iterator[Path]:
    """The files in and below a folder; each folder once, however many links lead to it or round in a circle."""
    seen = {os.path.realpath(folder)}
    for here, folders, files in os.walk(folder, followlinks=True):
        kept = []
        for name in sorted(folders):
            place = os.path.realpath(os.path.join(here, name))
            if not name.startswith(".") and place not in seen:
                seen.add(place)
                kept.append(name)
        folders[:] = kept
        yield from (Path(here, name) for name in files if not name.startswith("."))


def listing(node: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """Name, size in bytes and time of change of the recordings that an augmentation's config names; it may name none.

    Raises:
        UserError: see `find`.
    """
    if "folder" not in node:
        return []
    paths = find(node["folder"], "its recordings")
    stats = [path.stat() for path in paths]
    return [(str(path), stat.st_size, stat.st_mtime_ns) for path, stat in zip(paths, stats, strict=True)]


def read(path: Path, sample_rate: int) -> Iterator[np.ndarray]:
    """The first channel of a recording at a rate in Hz, block after block, each float32 (T,).

    Only the first, since channels of a room's impulse response, added, cancel each other.

    Raises:
        UserError: the file cannot be read, is empty or silent, or holds what is not a number.
    """
    sounds = False
    try:
        for wave_T in _resampled(path, sample_rate):
            sounds |= bool(wave_T.any())
            yield wave_T
    except Unusable as error:
        raise UserError(f"{path} {error}: mend it or remove it from the folder.") from error
    if not sounds:
        raise UserError(f"{path} holds nothing but silence: remove it from the folder.")


def _resampled(path: Path, sample_rate: int) -> Iterator[np.ndarray]:
    import soxr

    with Recording(path) as recording:
        first = (np.ascontiguousarray(block[:, 0]) for block in recording.blocks(0, recording.frames))
        if recording.rate == sample_rate:
            yield from first
            return
        stream = soxr.ResampleStream(recording.rate, sample_rate, 1, dtype="float32", quality="HQ")
        yield from map(stream.resample_chunk, first)
        yield stream.resample_chunk(np.empty(0, np.float32), last=True)

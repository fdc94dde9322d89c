"""A folder of recordings that augmentations take sounds from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asrx.types import UserError

if TYPE_CHECKING:
    import torch

SUFFIXES = (".wav", ".flac", ".ogg")


def find(folder: str, what: str) -> list[Path]:
    """The audio files in a folder and the folders below, in the order of their names.

    Args:
        folder: where to look.
        what: what they should be recordings of, for the message.

    Raises:
        UserError: there is no such folder, or no such file in it.
    """
    if not Path(folder).is_dir():
        raise UserError(f"folder={folder} is not a folder: pass the folder that holds {what}.")
    if paths := sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES):
        return paths
    raise UserError(f"folder={folder} holds no {', '.join(SUFFIXES)}: pass the folder that holds {what}.")


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


def read(path: Path, sample_rate: int) -> torch.Tensor:
    """The first channel of a recording, float32 (T,) at a rate in Hz.

    Only the first, since channels of a room's impulse response, added, cancel each other.

    Raises:
        UserError: the file cannot be read, is empty, or holds what is not a number.
    """
    import soundfile
    import soxr
    import torch

    try:
        wave_TC, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise UserError(f"{path} cannot be read ({error}): mend it or remove it from the folder.") from error
    wave_T = wave_TC[:, 0] if rate == sample_rate else soxr.resample(wave_TC[:, 0], rate, sample_rate)
    if not len(wave_T) or not np.isfinite(wave_T).all():
        raise UserError(f"{path} is empty or holds samples that are not numbers: remove it from the folder.")
    return torch.from_numpy(np.ascontiguousarray(wave_T))

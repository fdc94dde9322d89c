"""Recordings as a recogniser takes them: files, folders of files, or samples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asrx.data.audio import LOUDEST, Audio, as_stored
from asrx.data.corpora.folder import SUFFIXES
from asrx.types import UserError, Utterance


class Recording(NamedTuple):
    """`wave_T` is mono, int16, at the recogniser's rate, as it would be in training; samples have no name."""

    name: str
    wave_T: np.ndarray


def read(path: Path, sample_rate: int) -> Recording:
    """A file, in whatever format libsndfile reads, at `sample_rate` Hz.

    Raises:
        UserError: it cannot be used.
    """
    ((wave_T, _, error),) = Audio(sample_rate).decode(str(path), [Utterance(str(path), str(path), "")])
    if error:
        raise UserError(f"{path} {error}: give a recording that can be played.")
    return Recording(str(path), wave_T)


def of_samples(samples: np.ndarray, rate: int, sample_rate: int) -> Recording:
    """Samples, (T,) or (T, channels): floats in [-1, 1] or int16.

    Args:
        samples: see above; an array of numpy or torch.
        rate: of them, in Hz.
        sample_rate: to resample to, in Hz.

    Raises:
        UserError: they are none, or something else.
    """
    wave_TC = np.asarray(samples)
    if wave_TC.ndim not in (1, 2) or not wave_TC.size or not (wave_TC.dtype == "int16" or wave_TC.dtype.kind == "f"):
        raise UserError(
            f"samples of shape {wave_TC.shape} and type {wave_TC.dtype} are no recording: give floats in [-1, 1] or "
            "int16, of shape (time,) or (time, channels)."
        )
    if wave_TC.dtype.kind == "i":
        wave_TC = wave_TC / 32768
    if not np.isfinite(wave_TC).all():
        raise UserError("the samples hold what is not a finite number: give floats in [-1, 1].")
    if np.abs(wave_TC).max() > LOUDEST:
        raise UserError("the samples reach beyond [-1, 1]: scale floats to it, or give int16.")
    return Recording("", as_stored(wave_TC.reshape(len(wave_TC), -1).mean(1), rate, sample_rate))


def recordings_below(folder: Path) -> Iterator[Path]:
    """The sound files of a folder and its subfolders, in the order of their paths.

    Raises:
        UserError: there are none.
    """
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES and path.name[0] != "."]
    if not found:
        raise UserError(f"{folder} holds no recordings ({', '.join(SUFFIXES)}): name a folder that does.")
    return iter(found)

"""The quantities of a set of recordings, as a file of a run folder."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asrx.types import UserError, reason
from asrx.watching.quantities import QUANTITIES

PROFILE = "profile.jsonl"  # of a run folder


class Profile(NamedTuple):
    """Recordings by name, who speaks in each (None where that is not known), and `QUANTITIES` of each, (N, Q)."""

    names: list[str]
    speakers: list[str | None]
    values_NQ: np.ndarray

    @property
    def by_speaker(self) -> bool:
        """Whether every recording's speaker is known."""
        return None not in self.speakers


def profile_of(names: Sequence[str], speakers: Sequence[str | None], rows: Sequence[np.ndarray]) -> Profile:
    """The profile of recordings whose quantities are `rows`, of which there may be none."""
    return Profile(list(names), list(speakers), np.array(rows, float).reshape(len(names), len(QUANTITIES)))


def write_profile(folder: Path, profile: Profile) -> None:
    """profile.jsonl: a line for each recording."""
    keys, partial = [quantity.key for quantity in QUANTITIES], folder / "profile.part"
    with open(partial, "w", encoding="utf-8") as file:
        for name, speaker, values in zip(profile.names, profile.speakers, profile.values_NQ.round(4), strict=True):
            row = {"id": name, "speaker": speaker} | dict(zip(keys, values.tolist(), strict=True))
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    os.replace(partial, folder / PROFILE)


def read_profile(folder: Path) -> Profile:
    """That of a run.

    Raises:
        UserError: the run has none, or it cannot be read.
    """
    path = folder / PROFILE
    if not path.is_file():
        raise UserError(
            f"{folder} has no {PROFILE}: run folders have one once they were tested, unless an earlier version of asrx "
            "or a search made it; without one, compare with recordings of your own, asrx watch --reference FOLDER."
        )
    names, speakers, rows = [], [], []
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                values = np.array([float(row[quantity.key]) for quantity in QUANTITIES])
                name, speaker = str(row["id"]), None if row["speaker"] is None else str(row["speaker"])
                names.append(name), speakers.append(speaker), rows.append(values)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path}:{len(rows) + 1} cannot be read ({reason(error)}): restore the file.") from error
    if not rows or not np.isfinite(rows).all():
        raise UserError(f"{path} holds no finite numbers: restore the file.")
    return profile_of(names, speakers, rows)

"""The user's own recordings, one folder per class."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from asrx.types import SPLITS, UserError, Utterance

SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".sph", ".aif", ".aiff", ".au", ".caf")


@dataclass(frozen=True)
class Folder:
    """`root/CLASS/*`, or `root/{train,val,test}/CLASS/*`; the text is the name of the class.

    Args:
        root: the folder.
        speaker_pattern: regular expression, searched in a file's name, whose first group is the speaker; None when the
            speakers are unknown.
    """

    root: str | None
    speaker_pattern: str | None = None

    licence = "the user's own"

    def prepare(self) -> list[Utterance]:
        """List the recordings.

        Raises:
            UserError: `root` is not laid out like that, or `speaker_pattern` does not fit.
        """
        if self.root is None:
            raise UserError("dataset.root is not set: pass the folder that holds one folder of recordings per class.")
        root = Path(self.root).expanduser()
        pattern = self._pattern()
        if not root.is_dir():
            raise UserError(f"dataset.root={root} is not a folder: pass the folder that holds one folder per class.")
        return [
            Utterance(path.relative_to(root).as_posix(), str(path), label.name, _speaker(path, pattern), split)
            for split, classes in _parts(root)
            for label in _folders(classes)
            for path in _recordings(label)
        ]

    def _pattern(self) -> re.Pattern | None:
        if self.speaker_pattern is None:
            return None
        try:
            pattern = re.compile(self.speaker_pattern)
        except re.error as error:
            raise UserError(
                f"dataset.speaker_pattern={self.speaker_pattern} is no regular expression: {error}."
            ) from None
        if not pattern.groups:
            raise UserError(
                f"dataset.speaker_pattern={self.speaker_pattern} has no group: put (...) around the speaker."
            )
        return pattern


def _parts(root: Path) -> list[tuple[str | None, Path]]:
    folders = _folders(root)
    if not folders:
        raise UserError(
            f"dataset.root={root} holds no folders: put the recordings of each class in a folder of its own."
        )
    names = [folder.name for folder in folders]
    if "train" not in names or not _folders(root / "train"):
        return [(None, root)]
    if odd := [name for name in names if name not in SPLITS]:
        raise UserError(
            f"{root / odd[0]} stands beside train/, where only val/ and test/ may: rename it or move it away."
        )
    return [(name, root / name) for name in names]


def _folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _recordings(label: Path) -> list[Path]:
    paths = sorted(p for p in label.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    if not paths:
        raise UserError(f"{label} holds no recordings ({', '.join(SUFFIXES)}): add some, or take the folder away.")
    return paths


def _speaker(path: Path, pattern: re.Pattern | None) -> str | None:
    if pattern is None:
        return None
    match = pattern.search(path.name)
    if not match or not match[1]:
        raise UserError(
            f"dataset.speaker_pattern={pattern.pattern} finds no speaker in the name of {path}: change either."
        )
    return match[1]

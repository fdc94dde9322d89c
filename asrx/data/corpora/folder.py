"""The user's own recordings, one folder per class."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asrx.data.corpora.files import readable_files
from asrx.data.names import shown
from asrx.types import SPLITS, Corpus, UserError, Utterance

SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".sph", ".aif", ".aiff", ".au", ".caf")
# what lies in a run folder, in one of run folders, and in the sweeps there
RUNS = ("asrx.log", "*/asrx.log", "sweeps/*/*/asrx.log", "sweeps/*/workers/*/asrx.log")


@dataclass(frozen=True)
class Folder(Corpus):
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
        return class_folders(self.root, SUFFIXES, "recordings", self.speaker_pattern)


def class_folders(
    root: str | None,
    suffixes: Sequence[str],
    what: str,
    speaker_pattern: str | None,
    parts: Mapping[str, str] = dict(zip(SPLITS, SPLITS, strict=True)),
) -> list[Utterance]:
    """List the files of `root/CLASS/*`, or of `root/PART/CLASS/*`.

    Args:
        root: the folder.
        suffixes: of the files to list.
        what: they are, in words.
        speaker_pattern: see `Folder`.
        parts: the split that each name of a PART stands for.

    Raises:
        UserError: `root` is not laid out like that, or `speaker_pattern` does not fit.
    """
    if root is None:
        raise UserError(f"dataset.root is not set: pass the folder that holds one folder of {what} per class.")
    folder = Path(root).expanduser()
    pattern = _compile(speaker_pattern)
    if not folder.is_dir():
        raise UserError(f"dataset.root={folder} is not a folder: pass the folder that holds one folder per class.")
    split_of = {
        label: split
        for split, classes in _parts(folder, parts, suffixes, what)
        for label in _folders(classes, suffixes)
    }
    utterances = []
    for label, paths in readable_files(split_of, suffixes):
        if not paths:
            raise UserError(f"{label} holds no {what} ({', '.join(suffixes)}): add some, or take the folder away.")
        for path in paths:
            name, speaker = path.relative_to(folder).as_posix(), _speaker(path, pattern)
            utterances.append(Utterance(name, str(path), label.name, speaker, split_of[label]))
    _tell_loose({folder, *(label.parent for label in split_of)}, suffixes, what)
    return utterances


def _compile(speaker_pattern: str | None) -> re.Pattern | None:
    if speaker_pattern is None:
        return None
    try:
        pattern = re.compile(speaker_pattern)
    except re.error as error:
        raise UserError(f"dataset.speaker_pattern={speaker_pattern} is no regular expression: {error}.") from None
    if not pattern.groups:
        raise UserError(f"dataset.speaker_pattern={speaker_pattern} has no group: put (...) around the speaker.")
    return pattern


def _parts(root: Path, parts: Mapping[str, str], suffixes: Sequence[str], what: str) -> list[tuple[str | None, Path]]:
    folders = _folders(root, suffixes)
    if not folders:
        raise UserError(f"dataset.root={root} holds no folders: put the {what} of each class in a folder of its own.")
    names = [folder.name for folder in folders]
    # a class may be called train, but then it holds no folders
    train = next((name for name in names if parts.get(name) == "train" and _folders(root / name, suffixes)), None)
    if train is None:
        return [(None, root)]
    if odd := [name for name in names if name not in parts]:
        others = "/, ".join(name for name in parts if name != train)
        raise UserError(f"{root / odd[0]} stands beside {train}/, where only {others}/ may: rename it or move it away.")
    return [(parts[name], root / name) for name in names]


def _folders(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Those that may be classes or parts, and not of asrx's own runs."""
    return sorted(
        p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".") and not _of_runs(p, suffixes)
    )


def _of_runs(folder: Path, suffixes: Sequence[str]) -> bool:
    ran = any(next(folder.glob(pattern), None) for pattern in RUNS)
    return ran and not any(path.suffix.lower() in suffixes for path in folder.rglob("*"))


def _tell_loose(folders: Iterable[Path], suffixes: Sequence[str], what: str) -> None:
    loose = [p for f in sorted(folders) for p in sorted(f.iterdir()) if p.is_file() and p.suffix.lower() in suffixes]
    if loose:
        print(f"Not read, as they are in no folder of a class: {len(loose)} {what} (first {shown(str(loose[0]))}).")


def _speaker(path: Path, pattern: re.Pattern | None) -> str | None:
    if pattern is None:
        return None
    match = pattern.search(path.name)
    if not match or not match[1]:
        raise UserError(
            f"dataset.speaker_pattern={pattern.pattern} finds no speaker in the name of {path}: change either."
        )
    return match[1]

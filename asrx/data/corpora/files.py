"""The files of a folder that a corpus reads, and those that it does not, which are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from asrx.data.names import shown


def readable_files(folders: Iterable[Path], suffixes: Sequence[str]) -> Iterator[tuple[Path, list[Path]]]:
    """Each folder with its files of these suffixes, whatever their case, in order. What begins with a dot is hidden.

    Whatever else lies there, subfolders too, is counted and told in one line at the end.
    """
    others = []
    for folder in folders:
        visible = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        yield folder, [path for path in visible if path.suffix.lower() in suffixes]
        others += [path for path in visible if path.suffix.lower() not in suffixes]
    if others:
        counts = Counter("folders" if path.is_dir() else path.suffix or "without a suffix" for path in others)
        kinds = ", ".join(f"{count} {shown(kind)}" for kind, count in counts.most_common())
        print(f"Not read, as they are none of {', '.join(suffixes)}: {kinds} (first {shown(str(others[0]))}).")

"""The lists of a corpus, the files of a folder that it reads, and those that it does not, which are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from asrx.data.names import shown
from asrx.types import UserError


def lines_of(path: Path) -> list[str]:
    """The lines of one of a corpus's lists.

    Raises:
        UserError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): take it from the corpus as it is.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 ({error}): save it as UTF-8.") from error


def readable_files(
    folders: Iterable[Path], suffixes: Sequence[str], lists: tuple[str, ...] = ()
) -> Iterator[tuple[Path, list[Path]]]:
    """Each folder with its files of these suffixes, whatever their case, in order. What begins with a dot is hidden.

    Whatever else lies there, subfolders too, is counted and told in one line at the end; but not the corpus's own
    `lists`, by the ends of their names.
    """
    others = []
    for folder in folders:
        visible = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        yield folder, [path for path in visible if path.suffix.lower() in suffixes]
        others += [p for p in visible if p.suffix.lower() not in suffixes and not p.name.endswith(lists)]
    if others:
        counts = Counter("folders" if path.is_dir() else path.suffix or "without a suffix" for path in others)
        kinds = ", ".join(f"{count} {shown(kind)}" for kind, count in counts.most_common())
        print(f"Not read, as they are none of {', '.join(suffixes)}: {kinds} (first {shown(str(others[0]))}).")

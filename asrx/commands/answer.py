"""What every command does about errors and Ctrl-C."""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from asrx.commands.outlet import outlets
from asrx.training.ranks import forget_ranks
from asrx.training.threads import wait_briefly
from asrx.types import reason

INTERRUPTED = 130  # the exit status a shell gives for Ctrl-C


@contextmanager
def answered(arguments: list[str], trains: bool = False) -> Iterator[None]:
    """Answer an error in one sentence (exit status 1) and Ctrl-C in a word. What nobody foresaw is written to a file;
    with ASRX_TRACEBACK=1 every error comes out as it is.

    Args:
        arguments: of the command, by which a misspelt one is explained.
        trains: whether the command is worth going on with when nobody reads what it prints any more.
    """
    wait_briefly()
    if not trains:
        forget_ranks()
    logging.raiseExceptions = False  # a log that cannot be written, on a full disk, is done without
    asked = []

    def interrupt(number: int, frame: Any) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        with outlets(ends=not trains):
            yield
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Exception as error:
        if asked:  # within an import or a copy, it comes out as another error
            print("Interrupted.", file=sys.stderr)
            sys.exit(INTERRUPTED)
        sys.exit(f"asrx: {answer(error, arguments)}")
    finally:
        signal.signal(signal.SIGINT, before)


def answer(error: Exception, arguments: list[str], folder: Path | None = None) -> str:
    """An error in one sentence.

    Args:
        error: that was raised.
        arguments: of the command.
        folder: of the run, where there is one: what nobody foresaw goes into its error.log.

    Raises:
        Exception: the error itself, with ASRX_TRACEBACK=1.
    """
    from asrx.commands.sentences import explain

    if os.environ.get("ASRX_TRACEBACK"):
        raise error
    try:
        return explain(error, arguments) or _unforeseen(error, folder)
    except Exception as other:  # its traceback has the first one's
        return _unforeseen(other, folder)


def _unforeseen(error: Exception, folder: Path | None) -> str:
    told = f"this was not foreseen ({reason(error)})"
    text = "".join(traceback.format_exception(error))
    for place in [lambda: folder, tempfile.mkdtemp] if folder else [tempfile.mkdtemp]:
        with suppress(OSError):
            path = Path(place()) / "error.log"
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
            return f"{told}: {path} says where it happened; please report it with the command."
    return f"{told}, and no file can be written that says where: ASRX_TRACEBACK=1 shows it."

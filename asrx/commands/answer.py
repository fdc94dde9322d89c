"""What every command does about errors and Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from asrx.training.threads import wait_briefly
from asrx.types import reason

INTERRUPTED = 130  # the exit status a shell gives for Ctrl-C


@contextmanager
def answered(arguments: list[str]) -> Iterator[None]:
    """Answer an error in one sentence (exit status 1) and Ctrl-C in a word. What nobody foresaw is written to a file;
    with ASRX_TRACEBACK=1 every error comes out as it is.

    Args:
        arguments: of the command, by which a misspelt one is explained.
    """
    wait_briefly()
    asked = []

    def interrupt(number: int, frame: Any) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if asked:  # within an import or a copy, it comes out as another error
            print("Interrupted.", file=sys.stderr)
            sys.exit(INTERRUPTED)
        from asrx.commands.explain import explain

        if os.environ.get("ASRX_TRACEBACK"):
            raise
        sys.exit(f"asrx: {explain(error, arguments) or unforeseen(error)}")
    finally:
        signal.signal(signal.SIGINT, before)


def unforeseen(error: Exception, folder: Path | None = None) -> str:
    """A sentence about an error that no check met, whose traceback goes into a file.

    Args:
        error: that was raised.
        folder: of the run, for error.log; None, or one that cannot be written into, is the system's for such files.
    """
    text = "".join(traceback.format_exception(error))
    path = (
        folder / "error.log" if folder and os.access(folder, os.W_OK) else Path(tempfile.mkdtemp()) / "asrx-error.log"
    )
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
    return f"this was not foreseen ({reason(error)}): {path} says where it happened; please report it with the command."

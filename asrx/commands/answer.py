"""What every command does about errors and Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asrx.training.threads import wait_briefly

INTERRUPTED = 130  # the exit status a shell gives for Ctrl-C


@contextmanager
def answered(arguments: list[str]) -> Iterator[None]:
    """Answer an error of the user in one sentence (exit status 1) and Ctrl-C in a word.

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
    except Exception as error:
        if asked:  # within an import or a copy, it comes out as another error
            print("Interrupted.", file=sys.stderr)
            sys.exit(INTERRUPTED)
        from asrx.commands.explain import explain

        sentence = explain(error, arguments)
        if sentence is None or os.environ.get("ASRX_TRACEBACK"):
            raise
        sys.exit(f"asrx: {sentence}")
    finally:
        signal.signal(signal.SIGINT, before)

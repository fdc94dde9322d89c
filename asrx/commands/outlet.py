"""Standard output and error whose reader may go away, as that of `| head -1` does."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any


class Outlet:
    """A stream for which it is no error that nobody reads it any more.

    Args:
        stream: what is written into.
        ends: whether the process ends then; otherwise what it prints from then on is dropped.
    """

    def __init__(self, stream: Any, ends: bool):
        self.stream, self.ends = stream, ends

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        self._while_read(self.stream.write, text)
        return len(text)

    def flush(self) -> None:
        self._while_read(self.stream.flush)

    def _while_read(self, do: Callable[..., Any], *arguments: str) -> None:
        try:
            do(*arguments)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())
            if self.ends:
                sys.exit(1)


@contextmanager
def outlets(ends: bool) -> Iterator[None]:
    """Meanwhile, print through outlets; `ends` as theirs."""
    if sys.stdout is None or sys.stderr is None:  # closed by who started this process: nothing is written anyway
        yield
        return
    with redirect_stdout(Outlet(sys.stdout, ends)), redirect_stderr(Outlet(sys.stderr, ends)):
        yield
        sys.stdout.flush()  # at the end of the process it would be an error

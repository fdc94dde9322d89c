"""A function called in a process of its own, so that what it breaks or leaks ends with it.

The processes are forked from one that has imported the function's module and done nothing else: they start at once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from asrx.types import UserError

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def call(module: str, function: str, output: Path, *arguments: Any) -> tuple[Any, str | None]:
    """Call a function in a new process.

    Ctrl-C and SIGTERM are passed on to it as SIGTERM, and its end is waited for; it also ends when this process does.

    Args:
        module, function: their names.
        output: the file that what it prints is added to.
        arguments: that can be pickled.

    Returns:
        what the function returned, and in words why it did not.

    Raises:
        KeyboardInterrupt: after Ctrl-C or SIGTERM.
    """
    # as the default, because joblib's workers have one of their own, which their children would look for in vain
    multiprocessing.set_start_method("forkserver", force=True)
    multiprocessing.set_forkserver_preload([module])
    answers, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=_called, args=(module, function, output, arguments, theirs))
    with _passing_on(process) as asked:
        _start(process)
        if asked:
            os.kill(process.pid, signal.SIGTERM)
        theirs.close()
        try:
            answer = answers.recv()
        except EOFError:  # it ended without a word
            answer = None
        process.join()
    if asked:
        raise KeyboardInterrupt
    if answer is None:
        by = f"signal {-process.exitcode}" if process.exitcode < 0 else f"exit status {process.exitcode}"
        memory = " (the system kills what takes too much memory)" if process.exitcode == -signal.SIGKILL else ""
        answer = None, f"Its process ended by {by}{memory}: see {output}."
    return answer


def _start(process: multiprocessing.Process) -> None:
    """Start it with signals held back: while it imports, the process that others are forked from must not get them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _called(module: str, function: str, output: Path, arguments: tuple, answers: Connection) -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # held back in all that is forked
    os.setpgrp()  # Ctrl-C at a terminal reaches the caller alone, which passes it on
    threading.Thread(target=_end_with_parent, daemon=True).start()
    output.parent.mkdir(parents=True, exist_ok=True)
    with open(output, "a", encoding="utf-8") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    try:
        answer = getattr(import_module(module), function)(*arguments), None
    except Exception as error:
        answers.send((None, _reason(error)))
        raise
    answers.send(answer)


def _end_with_parent() -> None:
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, UserError) else f"{type(error).__name__}: {text}".removesuffix(": ")


@contextmanager
def _passing_on(process: Any) -> Iterator[list[int]]:
    """Meanwhile, hand SIGINT and SIGTERM to a process; yields those that came."""
    came: list[int] = []

    def pass_on(number: int, _frame: Any) -> None:
        # the first asks the run to stop where it can go on, a second one to stop at once
        came.append(number)
        if process.pid is not None:  # while it starts, its caller sees to it
            os.kill(process.pid, signal.SIGINT if len(came) > 1 else signal.SIGTERM)

    before = {number: signal.signal(number, pass_on) for number in SIGNALS}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

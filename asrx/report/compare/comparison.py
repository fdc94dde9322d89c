"""Finished runs and sweeps compared: a page, a table, and what the terminal is told."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from asrx.report.sweep import is_sweep, read_sweep
from asrx.types import UserError


def compare(folders: Sequence[Path], into: Path) -> str:
    """Write compare.html and compare.csv.

    Args:
        folders: of runs and sweeps, each once.
        into: the folder to write into, made where it is missing.

    Returns:
        the ranking, which systems are within noise of the best, and the paths of the files.

    Raises:
        UserError: a folder is neither a run's nor a sweep's or cannot be read, the results cannot be compared, or the
            files cannot be written.
    """
    from asrx.report.compare.page import compare_page
    from asrx.report.compare.ranking import rank
    from asrx.report.compare.systems import of_run, of_trial
    from asrx.report.compare.table import csv_text, terminal_text
    from asrx.report.document import write
    from asrx.report.folder import read_run

    systems, sweeps = [], []
    for folder, name in zip(folders, _names(folders), strict=True):
        if is_sweep(folder):
            sweep = read_sweep(folder)
            sweeps.append(sweep)
            prefix = f"{name} " if len(folders) > 1 else ""
            systems += [of_trial(sweep, trial, f"{prefix}trial {trial.number}") for trial in sweep.trials]
        elif (folder / "metrics.json").is_file():
            systems.append(of_run(read_run(folder), name))
        else:
            raise UserError(
                f"{folder} is no run folder and no sweep folder: it has no metrics.json and no search.yaml."
            )
    ranking = rank(systems, sweeps[0] if sweeps and len(folders) == 1 else None)
    command = shlex.join(["python", "-m", "asrx", "compare", *map(str, folders)])
    page, table = into / "compare.html", into / "compare.csv"
    try:
        into.mkdir(parents=True, exist_ok=True)
        write(page, compare_page(ranking, sweeps, command))
        write(table, csv_text(ranking))
    except OSError as error:
        raise UserError(f"{into} cannot be written into ({error.strerror or error}): name another, --into.") from error
    return "\n".join([terminal_text(ranking), f"Page: {page}", f"Table: {table}"])


def _names(folders: Sequence[Path]) -> list[str]:
    """The folders' own names where they differ, else their paths."""
    names = [folder.resolve().name for folder in folders]
    return names if len(set(names)) == len(names) else list(map(str, folders))

"""Runs, sweeps and packings of the waveform store that are killed at random moments, some of them by a full disk first.

    python tests/bench/bench_kills.py FSDD_FOLDER [--points 20] [--full 5] [--kinds run sweep store]

Each is begun, stopped by SIGKILL at a moment drawn by a seed, begun again, and must leave what one leaves that nobody
disturbed: figures, epochs, trials, the store's bytes. In `--full` of the points the disk is filled instead, and
the process must end by itself with one sentence; that takes a file system of its own, and with it root and Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

SMALL = ["dataset=fsdd", "features=logmel", "model=cnn", "trainer.enable_progress_bar=false", "logger=[csv]"]
SIZE = 256  # MB of the disk that becomes full
PATIENCE = 120  # s until a process whose disk is full must have ended


class Kind(NamedTuple):
    """What is disturbed: the command, its folder's name, how it goes on, and what must be alike at the end."""

    command: list[str]
    resumed: Callable[[Path], list[str] | None]
    content: Callable[[Path], Any]
    own_store: bool


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def run_content(folder: Path) -> Any:
    metrics = json.loads((folder / "work" / "metrics.json").read_text())
    predictions = (folder / "work" / "predictions.jsonl").read_text()
    return metrics["test"], metrics["best"], rows(folder / "work" / "metrics.csv"), predictions


def sweep_content(folder: Path) -> Any:
    lines = (folder / "work" / "ledger.jsonl").read_text().splitlines()
    return [{name: value for name, value in json.loads(line).items() if name != "seconds"} for line in lines]


def store_content(folder: Path) -> Any:
    files = sorted(path for path in (folder / "store").rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def goes_on(folder: Path) -> list[str] | None:
    return [f"resume={folder}/work"] if (folder / "work" / "config.yaml").exists() else None


KINDS = {
    "run": Kind([*SMALL, "trainer.max_epochs=8"], goes_on, run_content, False),
    "sweep": Kind(
        [
            *("-m", "search=tpe", "search.trials=4", "search.method.startup=2", *SMALL, "trainer.max_epochs=2"),
            "optimizer.lr=tag(log,interval(1e-4,1e-2))",
        ],
        lambda folder: None,
        sweep_content,
        False,
    ),
    "store": Kind([*SMALL, "trainer.max_epochs=1"], goes_on, store_content, True),
}


def start(kind: Kind, words: list[str], root: Path, folder: Path, store: Path) -> subprocess.Popen[str]:
    place = "search.dir" if "-m" in kind.command else "hydra.run.dir"
    if not words[0].startswith("resume="):
        words = [*words, f"dataset.root={root}", f"{place}={folder}/work"]
    call = [sys.executable, "-m", "asrx", *words, f"data_dir={store}"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    # what is computed on two threads differs in its last digits, and how many there are depends on what else runs
    return subprocess.Popen(call, **pipes, start_new_session=True, env=os.environ | {"OMP_NUM_THREADS": "1"})


def to_its_end(process: subprocess.Popen[str], seconds: float | None = None) -> str:
    output, _ = process.communicate(timeout=seconds)
    return output


def fill(folder: Path) -> Path:
    path = folder / "filler"
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 12))
    return path


@contextlib.contextmanager
def place(full: bool) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if full:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}m", "tmpfs", name], check=True)
        try:
            yield folder
        finally:
            if full:
                subprocess.run(["umount", "-l", name], check=True)


def disturbed(kind: Kind, root: Path, after: float, full: bool, store: Path) -> tuple[Any, str]:
    """What is left at the end of one that was stopped `after` seconds, and how it was stopped."""
    with place(full) as folder:
        own = folder / "store" if kind.own_store else store
        process = start(kind, kind.command, root, folder, own)
        time.sleep(after)
        if full:
            filler = fill(folder)
            try:
                how = to_its_end(process, PATIENCE).strip().splitlines()[-1:]
            except subprocess.TimeoutExpired:
                how = ["DID NOT END"]
                os.killpg(process.pid, signal.SIGKILL)
            filler.unlink()
            code = process.wait()
            how = f"disk full, exit {code}: {''.join(how)}"
        else:
            os.killpg(process.pid, signal.SIGKILL)
            how = "killed" if process.wait() == -signal.SIGKILL else "had ended"
            process.stdout.close()
        process = start(kind, kind.resumed(folder) or kind.command, root, folder, own)
        output = to_its_end(process)
        if process.returncode:
            raise SystemExit(f"It did not go on after: {how}\n{output}")
        if "Traceback" in how:
            raise SystemExit(how)
        return kind.content(folder), how


def main(root: Path, points: int, full: int, names: list[str]) -> None:
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        store = Path(name) / "store"
        for kind_name in names:
            kind, folder = KINDS[kind_name], Path(name) / kind_name
            own = folder / "store" if kind.own_store else store
            begun = time.time()
            process = start(kind, kind.command, root, folder, own)
            output = to_its_end(process)
            if process.returncode:
                raise SystemExit(output)
            seconds = time.time() - begun
            expected = kind.content(folder)
            first, last = 3.0, seconds
            if kind.own_store:  # the moments of packing alone
                times = [path.stat().st_mtime for path in own.rglob("*") if path.is_file()]
                first, last = min(times) - begun - 1, max(times) - begun + 1
            print(f"{kind_name}: {seconds:.0f} s undisturbed; stopped {first:.1f} to {last:.1f} s after its beginning")
            alike = 0
            for point in range(points):
                after = draw.uniform(first, last)
                found, how = disturbed(kind, root, after, point < full, store)
                same = found == expected
                alike += same
                print(f"  {after:5.1f} s, {how}: {'the same' if same else 'DIFFERS'}", flush=True)
                if not same:
                    print(f"    {str(found)[:1000]}\n    {str(expected)[:1000]}")
            print(f"{kind_name}: {alike} of {points} end as the undisturbed one")
            shutil.rmtree(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--full", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    chosen = parser.parse_args()
    main(chosen.root.resolve(), chosen.points, chosen.full, chosen.kinds)

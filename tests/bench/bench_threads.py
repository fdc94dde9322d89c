"""Seconds an epoch under each way for threads to wait, on a quiet machine and beside one busy process.

python tests/bench/bench_threads.py FSDD_FOLDER

asrx's own choice stands first; the others are what a user may set instead. Medians over the epochs but the first. A
quiet machine, please.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median

EPOCHS = 3
LIMIT = 150  # seconds of a run, beyond which it counts as endless
MODELS = {
    "CRNN, batches of 32": ["augment=specaug", "model.encoder.width=184", "dataset.batch_size=32"],
    "CNN, FSDD": ["experiments=fsdd_logmel"],
}
WAYS = {
    "asrx": {},
    "spin without end": {"OMP_WAIT_POLICY": "ACTIVE"},
    "sleep at once": {"OMP_WAIT_POLICY": "PASSIVE"},
    "10,000 spins": {"GOMP_SPINCOUNT": "10000"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}


def seconds(overrides: list[str], variables: dict[str, str], limit: float) -> float:
    """The median epoch, infinity where the run takes longer than `limit` seconds."""
    chosen = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in chosen} | variables
    if "OMP_NUM_THREADS" not in variables and variables:
        environment["OMP_NUM_THREADS"] = str(os.cpu_count())
    with tempfile.TemporaryDirectory() as folder:
        quick = [f"trainer.max_epochs={EPOCHS}", "trainer.enable_progress_bar=false", f"hydra.run.dir={folder}/run"]
        call = [sys.executable, "-m", "asrx", *overrides, *quick]
        try:
            subprocess.run(call, check=True, env=environment, stdout=subprocess.DEVNULL, timeout=limit)
        except subprocess.TimeoutExpired:
            return float("inf")
        with (Path(folder) / "run" / "metrics.csv").open(encoding="utf-8") as file:
            ends = [float(row["seconds"]) for row in csv.DictReader(file)]
    return median(after - before for before, after in pairwise(ends))


@contextmanager
def neighbour(busy: bool) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass" if busy else "pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def main(root: str) -> None:
    for name, overrides in MODELS.items():
        data = [f"dataset.root={root}"] if "FSDD" in name else []
        seconds([*overrides, *data], {}, 600)  # the corpus is made and decoded
        print(f"\n{name}, seconds an epoch   quiet   beside a busy process")
        for way, variables in WAYS.items():
            row = []
            for busy in (False, True):
                with neighbour(busy):
                    row.append(seconds([*overrides, *data], variables, LIMIT))
            print(f"{way:<28} {row[0]:8.2f} {row[1]:10.2f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

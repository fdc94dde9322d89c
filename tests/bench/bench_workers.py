"""A sweep of 16 trials, each bound by one core, with one worker and with two.

python tests/bench/bench_workers.py FSDD_FOLDER
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

SWEEP = [
    *("-m", "search=grid", "seed=range(0,16)", "dataset=fsdd", "features=logmel", "model=cnn"),
    *("trainer.max_epochs=6", "trainer.enable_progress_bar=false"),
]


def seconds(root: str, *launcher: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        call = [sys.executable, "-m", "asrx", *SWEEP, f"dataset.root={root}", f"search.dir={folder}/sweep", *launcher]
        start = time.perf_counter()
        subprocess.run(call, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


def main(root: str) -> None:
    one = seconds(root)
    two = seconds(root, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    print(f"one worker {one:.0f} s, two {two:.0f} s: {two / one:.2f} of the time")


if __name__ == "__main__":
    main(sys.argv[1])

"""How many trials TPE needs against random search, and what pruning saves, on a real grid.

    python tests/bench/bench_search.py FSDD_FOLDER SWEEP_FOLDER

trains the grid below once, as a sweep (about 20 minutes on two cores; it goes on where it was stopped). Training is
deterministic, so that every other sweep over the same points would get the same scores and curves: those of many seeds
are then replayed from the grid's own files, through the very methods and rules that a sweep asks.
"""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from statistics import mean, median

from asrx.search.methods import TPE, Random, Tried
from asrx.search.prune import ASHA, Median
from asrx.search.sweep import Sweep
from asrx.training.callbacks.history import read_curve

SEEDS = 20
SPACE = [
    "optimizer.lr=choice(1e-4,3e-4,1e-3,3e-3,1e-2,3e-2)",
    "model.encoder.dropout=range(0.0,0.6,0.2)",
    "dataset.batch_size=choice(16,64)",
    "features.n_mels=choice(12,40)",
]
FIXED = ["dataset=fsdd", "features=logmel", "model=cnn", "trainer.max_epochs=9", "search.metric=val/loss"]


def train(root: str, folder: Path) -> None:
    side_by_side = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    settings = [*FIXED, f"dataset.root={root}", f"search.dir={folder}", *side_by_side]
    subprocess.run([sys.executable, "-m", "asrx", "-m", "search=grid", *settings, *SPACE], check=True)


def replay(method, space, scores, seed: int) -> list[float]:
    """The losses of a sweep's trials, in their order, until every point was tried."""
    tried = []
    while (point := method.ask(space, tried, seed)) is not None:
        tried.append(Tried(point, scores[key(point)]))
    return [trial.loss for trial in tried]


def key(point: dict) -> str:
    return str(sorted(point.items()))


def needed(losses: list[float], goal: float) -> int:
    """Trials until one is at least as good."""
    return next(i for i, loss in enumerate(losses, 1) if loss <= goal)


def pruned(rule, curves: list[list[float]]) -> tuple[float, float]:
    """Share of the epochs saved, and how much worse the best of the trials that remain is, of a sweep in this order."""
    kept: list[list[float]] = []
    for curve in curves:
        end = next((n for n in range(1, len(curve)) if rule(curve[:n], kept)), len(curve))
        kept.append(curve[:end])
    total = sum(map(len, curves))
    finished = [short[-1] for short, full in zip(kept, curves, strict=True) if len(short) == len(full)]
    return 1 - sum(map(len, kept)) / total, max(full[-1] for full in curves) - max(finished)


def main(root: str, folder: Path) -> None:
    train(root, folder)
    sweep = Sweep.load(folder)
    trials, space = sweep.ledger().read(), sweep.space()
    scores = {key(trial.params): trial.score for trial in trials if trial.score is not None}
    scores |= {key(trial.params): None for trial in trials if trial.score is None}
    ranked = sorted(score for score in scores.values() if score is not None)
    print(f"{len(trials)} points; losses {ranked[0]:.4f} to {ranked[-1]:.4f}, median {median(ranked):.4f}")
    for name, method in (("random", Random()), ("TPE", TPE(8, 24, 0.25))):
        sweeps = [
            [loss if loss is not None else float("inf") for loss in replay(method, space, scores, seed)]
            for seed in range(SEEDS)
        ]
        for words, goal in (("the grid's best", ranked[0]), ("the grid's best three", ranked[2])):
            counts = sorted(needed(losses, goal) for losses in sweeps)
            print(f"{name}: trials until {words}: mean {mean(counts):.1f}, median {median(counts):g}, all {counts}")
        print(f"{name}: best of 20 trials, mean over sweeps: {mean(min(losses[:20]) for losses in sweeps):.4f}")
    curves = [read_curve(trial.folder(folder) / "seed0", "val/loss", -1) for trial in trials if trial.score is not None]
    rules = {"asha from epoch 1": ASHA(min_epochs=1), "asha": ASHA(), "median": Median()}
    for name, rule in rules.items():
        found = []
        for seed in range(SEEDS):
            found.append(pruned(rule, random.Random(seed).sample(curves, len(curves))))
        saved, regret = zip(*found, strict=True)
        none = sum(r == 0 for r in regret)
        print(
            f"{name}: saves {100 * mean(saved):.0f} % of the epochs; regret {mean(regret):.4f} in loss on average, at "
            f"most {max(regret):.4f}, none in {none} of {SEEDS} orders"
        )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

"""Run folders and sweep folders as asrx leaves them, without a model: answers are drawn or given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml


def write_run(
    folder: Path,
    right: Sequence[bool],
    overrides: Sequence[str] = (),
    first: int = 0,
    speakers: int = 1,
    part: str | None = None,
    values: Sequence[float] = (0.5, 0.7, 0.8),
) -> Path:
    """A finished classifier's run folder.

    Args:
        right: whether each of its utterances `first`, `first` + 1, ... was recognised.
        speakers: how many take turns.
        part: that was tested; older runs do not say.
        values: val/accuracy of each epoch.
    """
    folder.mkdir(parents=True)
    rows = [
        {
            "id": f"utt{n}",
            "audio": f"/data/{n}.wav",
            "offset": 0.0,
            "duration": None,
            "speaker": f"s{n % speakers}",
            "reference": "yes",
            "hypothesis": "yes" if hit else "no",
            "score": -0.1,
        }
        for n, hit in enumerate(right, first)
    ]
    metrics = {
        "kind": "classification",
        "state": "finished",
        "test": {"accuracy": float(np.mean(right)), "utterances": len(rows)},
        "best": {"epoch": int(np.argmax(values)), "val/accuracy": max(values)},
        "parameters": 61690,
        "seconds": {"data": 1.0, "model": 9.0},
    }
    epochs = "".join(f"{n},{10 * (n + 1)},{value}\n" for n, value in enumerate(values))
    files = {
        "config.yaml": "seed: 0\nresume: null\n",
        "overrides.yaml": yaml.safe_dump(list(overrides)),
        "environment.json": "{}",
        "metrics.json": json.dumps(metrics | ({"part": part} if part else {})),
        "metrics.csv": f"epoch,step,val/accuracy\n{epochs}",
        "predictions.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def write_search(folder: Path, **changes: Any) -> Path:
    """search.yaml of a sweep folder."""
    folder.mkdir(parents=True, exist_ok=True)
    search = {
        "metric": "val/accuracy",
        "direction": "max",
        "folds": 1,
        "repeats": 1,
        "space": {"optimizer.lr": "loguniform(1e-4,1e-1)", "augment": "choice(none,specaug)"},
        "fixed": ["dataset=fsdd"],
        "seed": 0,
        "trials": 20,
    }
    (folder / "search.yaml").write_text(yaml.safe_dump(search | changes))
    return folder


def row(number: int, state: str, params: dict[str, Any], score: float | None, **changes: Any) -> dict[str, Any]:
    """A line of the ledger."""
    finished = {"seed0": score} if state == "finished" else {}
    line = {"trial": number, "state": state, "params": params, "score": score, "scores": finished, "steps": 100}
    return line | {"seconds": 10.0, "reason": None, "rule": None, "digest": "0", "fits": True} | changes


def write_ledger(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    """ledger.jsonl of a sweep folder."""
    (folder / "ledger.jsonl").write_text("".join(json.dumps(line) + "\n" for line in rows), encoding="utf-8")


def write_sweep(folder: Path, finished: int = 12, utterances: int = 240, speakers: int = 1, part: str = "val") -> Path:
    """A sweep of which optimizer.lr alone matters: the higher, the better.

    It has trials of two seeds, numbered from 0; then one pruned after two epochs, a failed and a running one. Every
    third finished trial has augment=specaug and its width, which the others do not have.
    """
    write_search(folder, repeats=2)
    rng = np.random.default_rng(0)
    lines = []
    for number in range(finished):
        accuracy = 0.5 + 0.45 * number / max(1, finished - 1)
        params = {
            "optimizer.lr": 10 ** (-4 + 3 * number / max(1, finished - 1)),
            "augment": "none",
            "layers": number % 3,
        }
        if number % 3 == 0:
            params |= {"augment": "specaug", "augment.width": 10 + number}
        scores = {}
        for seed in range(2):
            right = rng.random(utterances) < accuracy
            curve = [0.3 * accuracy, 0.8 * accuracy, float(right.mean())]
            write_run(folder / f"{number:03d}" / f"seed{seed}", right, speakers=speakers, part=part, values=curve)
            scores[f"seed{seed}"] = float(right.mean())
        lines.append(row(number, "finished", params, float(np.mean(list(scores.values()))), scores=scores))
    pruned, failed, running = range(finished, finished + 3)
    half = folder / f"{pruned:03d}" / "seed0"
    half.mkdir(parents=True)
    (half / "metrics.csv").write_text("epoch,step,val/accuracy\n0,10,0.1\n1,20,0.2\n")
    slow = {"optimizer.lr": 0.0002, "augment": "none", "layers": 1}
    lines += [
        row(pruned, "pruned", slow, 0.2, steps=20, reason="below the median at step 20"),
        row(failed, "failed", slow | {"optimizer.lr": 0.09}, None, steps=5, reason="<b>loss</b> is not finite"),
        row(running, "running", slow, None, steps=None, seconds=None),
    ]
    write_ledger(folder, lines)
    return folder

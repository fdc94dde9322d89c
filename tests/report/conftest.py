"""Run folders as a finished or interrupted run leaves them, with synthetic recordings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from asrx.report.errors import align_words
from asrx.report.folder import Prediction

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@pytest.fixture
def make_run(tmp_path):
    """A function that writes a run folder: `make_run(kind, pairs)` with (reference, hypothesis) pairs or None."""

    def make(kind: str, pairs: list[tuple[str, str]] | None, epochs: int = 3, rate: int = 8000) -> Path:
        folder = tmp_path / f"run_{kind}"
        folder.mkdir()
        curve = {"error_rate": "cer", "classification": "accuracy"}[kind]
        rows = [f"{n},{10 * (n + 1)},1.5,0.001,{3 - n / 2},{3.1 - n / 2},0.{4 + n}\n" for n in range(epochs)]
        header = f"epoch,step,seconds,lr,train/loss,val/loss,val/{curve}\n"
        predictions = [_prediction(tmp_path / f"{n}.wav", n, pair, rate) for n, pair in enumerate(pairs or [])]
        seconds = {"prepare": 1.0, "data": 2.0, "features": 3.0, "model": 90.0, "validation": 4.0, "test": 0.0}
        files = {
            "config.yaml": yaml.safe_dump(
                {"model": {"width": 64}, "note": "<script>alert(3)</script>", "resume": None}
            ),
            "overrides.yaml": yaml.safe_dump([f"model={kind}", "note=<script>alert(2)</script>"]),
            "environment.json": json.dumps({"asrx": "0.1.0", "device": "cpu", "git_commit": "4f2a9c1d0e"}),
            "metrics.csv": header + "".join(rows),
            "metrics.json": json.dumps(
                {
                    "kind": kind,
                    "state": "interrupted" if pairs is None else "finished",
                    "test": None if pairs is None else _TEST[kind](predictions),
                    "best": {"epoch": 1, f"val/{curve}": 0.5} if epochs > 1 else {},
                    "parameters": 317581,
                    "audio_seconds": {"train": 100.0, "val": 10.0, "test": 12.0},
                    "seconds": seconds,
                }
            ),
        }
        if pairs is not None:
            files["predictions.jsonl"] = "".join(json.dumps(vars(one)) + "\n" for one in predictions)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    return make


def _prediction(path: Path, n: int, pair: tuple[str, str], rate: int) -> Prediction:
    """Utterance n: half a second and n hundredths of a tone, from a quarter of a second on."""
    duration = 0.5 + n / 100
    time = np.arange(round((duration + 1) * rate)) / rate
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * (200 + 50 * n) * time), rate)
    return Prediction(f"utt{n}", str(path), 0.25, duration, "ann", *pair, score=-n / 10)


def _error_rate(predictions: list[Prediction]) -> dict[str, float]:
    kinds = [step.kind for steps in align_words(predictions) for step in steps]
    words = sum(len(one.reference.split()) for one in predictions)
    return {
        "wer": sum(kind != "equal" for kind in kinds) / words,
        "cer": 0.25,
        "word_substitutions": kinds.count("substitute"),
        "word_insertions": kinds.count("insert"),
        "word_deletions": kinds.count("delete"),
        "words": words,
        "utterances": len(predictions),
    }


def _classification(predictions: list[Prediction]) -> dict[str, float]:
    accuracy = sum(one.reference == one.hypothesis for one in predictions) / len(predictions)
    return {"accuracy": accuracy, "micro_f1": accuracy, "macro_f1": 0.5, "utterances": len(predictions)}


_TEST = {"error_rate": _error_rate, "classification": _classification}


@pytest.fixture
def sentences() -> list[tuple[str, str]]:
    """Twelve references and hypotheses: utt11 has most errors, then utt10; utt9 has none and one holds markup."""
    pairs = [(f"go to {word} now", f"go to {word[1:]} now") for word in WORDS[:9]]
    return [
        *pairs,
        ("stop", "stop"),
        ("<script>alert(1)</script> turn on the light", "turn off the light please"),
        ("a b c d e f", "u v w x y z"),
    ]


@pytest.fixture
def digits() -> list[tuple[str, str]]:
    """Thirty labels: zero to nine three times, of which the first time round all but zero are taken for zero."""
    return [(word, "zero") for word in WORDS] + [(word, word) for word in WORDS] * 2

from __future__ import annotations

import math
import random

import pytest

from asrx.report.compare.importance import importance
from asrx.report.sweep import Sweep, Trial


def sweep_of(results):
    """A sweep of finished trials: (parameters, score) each."""
    trials = [
        Trial(n, "finished", params, score, {"seed0": score}, 1, 1.0, None, None, [], [])
        for n, (params, score) in enumerate(results)
    ]
    return Sweep(None, "val/accuracy", "max", 1, 1, {}, [], 0, None, trials)


def test_the_parameter_that_matters_comes_first():
    draw = random.Random(0)
    results = []
    for _ in range(60):
        params = {"lr": 10 ** draw.uniform(-4, -1), "model": draw.choice(["lstm", "cnn"]), "same": 1}
        if params["model"] == "cnn":
            params["kernel"] = draw.choice([3, 5, 7])
        results.append((params, math.log10(params["lr"]) + (0.3 if params["model"] == "cnn" else 0)))
    found = importance(sweep_of(results))
    assert found.drops[0][0] == "lr"
    assert {name for name, _, _ in found.drops} == {"lr", "model", "kernel"}
    assert found.r2 > 0.8
    assert importance(sweep_of(results)) == found


def test_what_is_absent_from_some_trials_can_matter():
    draw = random.Random(0)
    results = [({"a": draw.choice([True, False]), "x": draw.random()}, draw.random() / 10) for _ in range(40)]
    results += [({"a": draw.choice([True, False])}, 1 + draw.random() / 10) for _ in range(40)]
    found = importance(sweep_of(results))
    assert found.drops[0][0] == "x" and found.r2 > 0.95


def test_scores_by_chance_give_no_r2():
    draw = random.Random(1)
    results = [({"a": draw.random(), "b": draw.choice("xyz")}, draw.random()) for _ in range(30)]
    assert importance(sweep_of(results)).r2 <= 0


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        ([({"a": n, "b": -n}, n) for n in range(9)], "here are 9 and 2"),
        ([({"a": n, "b": 1}, n) for n in range(10)], "here are 10 and 1"),
        ([({"a": n, "b": -n}, 0.5) for n in range(10)], "the same score"),
    ],
)
def test_too_little_to_tell_is_said(results, reason):
    assert reason in importance(sweep_of(results))

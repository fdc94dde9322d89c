from __future__ import annotations

import math

import pytest

from asrx.search.methods import TPE, Grid, Random, Tried
from asrx.search.space import Space
from asrx.types import UserError

SPACE = Space(
    {
        "lr": "tag(log, interval(1e-4, 1e-1))",
        "width": "tag(log, int(interval(4, 64)))",
        "layers": "range(1, 6)",
        "augment": "choice(none, specaug)",
        "augment=specaug": {"masks": "int(interval(1, 3))"},
    },
    lambda group: [],
)
SMALL = Space({"a": "choice(1, 2, 3)", "b": "choice(x, y)", "b=y": {"c": "range(0, 2)"}}, lambda group: [])
METHODS = [Grid(), Random(), TPE(4, 24, 0.25)]


def asked(method, space, count, loss=lambda point: 0.0, seed=0):
    tried = []
    for _ in range(count):
        point = method.ask(space, tried, seed)
        if point is None:
            break
        tried.append(Tried(point, loss(point)))
    return tried


@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
def test_a_countable_space_is_exhausted_without_repeating(method):
    points = [trial.point for trial in asked(method, SMALL, 100)]
    assert len(points) == SMALL.size == 9
    assert all(points.count(point) == 1 and SMALL.contains(point) for point in points)


@pytest.mark.parametrize("method", METHODS[1:], ids=lambda m: type(m).__name__)
def test_points_lie_in_the_space(method):
    points = [trial.point for trial in asked(method, SPACE, 30, lambda p: p["lr"])]
    assert all(SPACE.contains(point) for point in points)
    assert {point["augment"] for point in points} == {"none", "specaug"}


def test_draws_spread_as_the_scale_says():
    points = [trial.point for trial in asked(Random(), SPACE, 300)]
    below = sum(point["lr"] < math.sqrt(1e-4 * 1e-1) for point in points)
    assert 110 < below < 190, "half of a logarithmic interval lies below its geometric mean"
    assert min(p["width"] for p in points) < 6 and max(p["width"] for p in points) > 54
    counts = [sum(p["layers"] == n for p in points) for n in range(1, 6)]
    assert min(counts) > 35, "the ends of a range are as likely as its middle"


@pytest.mark.parametrize("method", METHODS[1:], ids=lambda m: type(m).__name__)
def test_the_same_history_gives_the_same_point_and_another_seed_another(method):
    tried = asked(method, SPACE, 8, lambda p: p["lr"])
    assert method.ask(SPACE, tried, 0) == method.ask(SPACE, tried, 0)
    assert method.ask(SPACE, tried, 0) != method.ask(SPACE, tried, 1)


def bowl(point):
    return (math.log10(point["lr"]) + 2) ** 2 + abs(point["layers"] - 4) + (point["augment"] == "none")


def test_tpe_looks_at_scores_and_random_does_not():
    late = {}
    for method in METHODS[1:]:
        late[type(method).__name__] = [
            trial.loss for seed in range(4) for trial in asked(method, SPACE, 40, bowl, seed)[20:]
        ]
    mean = {name: sum(losses) / len(losses) for name, losses in late.items()}
    assert mean["TPE"] < 0.75 * mean["Random"]


def test_running_and_failed_trials_count_as_bad():
    before, there = asked(Random(), SPACE, 12, bowl), {"lr": 0.01, "width": 16, "layers": 4, "augment": "none"}

    def distance(loss):
        tried = [*before, Tried(there, loss)]
        points = [TPE(4, 24, 0.25).ask(SPACE, tried, seed) for seed in range(16)]
        return sum(abs(math.log10(point["lr"]) + 2) + abs(point["layers"] - 4) for point in points)

    assert distance(None) == distance(math.inf) > distance(-1.0)


def test_before_its_startup_is_over_tpe_draws_as_random_does():
    assert [t.point for t in asked(TPE(5, 24, 0.25), SPACE, 5, bowl)] == [
        t.point for t in asked(Random(), SPACE, 5, bowl)
    ]
    assert TPE(5, 24, 0.25).blind == 5 and Random().blind is None and Grid().blind is None


@pytest.mark.parametrize("settings", [(0, 24, 0.25), (8, 0, 0.25), (8, 24, 0)])
def test_senseless_settings_are_refused(settings):
    with pytest.raises(UserError, match=r"search\.method"):
        TPE(*settings)

from __future__ import annotations

import pytest
from sweeps import row, write_ledger, write_run, write_search, write_sweep

from asrx.report.compare.sweep_figures import ABSENT, AXIS_BOTTOM, AXIS_TOP, history, parallel
from asrx.report.figures import BOTTOM, LEFT, RIGHT, TOP
from asrx.report.sweep import read_sweep


def sweep_of(tmp_path, results, **changes):
    """A sweep of finished trials: (parameters, score) each."""
    folder = write_search(tmp_path / "sweep", **changes)
    for number in range(len(results)):
        write_run(folder / f"{number:03d}" / "seed0", [True])
    write_ledger(folder, [row(n, "finished", params, score) for n, (params, score) in enumerate(results)])
    return read_sweep(folder)


def points(text):
    return [tuple(map(float, pair.split(","))) for pair in text.split()]


def heights(chart, axis):
    """Of each line on an axis, by the trial's number."""
    return {int(line.label.split()[1].strip(":")): points(line.points)[axis][1] for line in chart.lines}


@pytest.mark.parametrize(("direction", "steps"), [("max", [0.2, 0.6, 0.8]), ("min", [0.2, 0.0])])
def test_the_best_so_far_steps_towards_the_goal(tmp_path, direction, steps):
    results = [({}, score) for score in (0.2, 0.6, 0.0, 0.8, 0.4)]
    chart = history(sweep_of(tmp_path, results, direction=direction))
    levels = list(dict.fromkeys(y for _, y in points(chart.best)))
    assert levels == pytest.approx([BOTTOM - score / 0.8 * (BOTTOM - TOP) for score in steps], abs=0.1)
    assert points(chart.best)[-1][0] == RIGHT
    assert [point.x for point in chart.dots["finished"]] == pytest.approx([LEFT + n * 91 for n in range(5)])


def test_trials_without_a_score_stand_at_the_foot(tmp_path):
    chart = history(read_sweep(write_sweep(tmp_path / "sweep", finished=3, utterances=20)))
    assert {state: len(made) for state, made in chart.dots.items()} == {
        "finished": 3,
        "pruned": 1,
        "failed": 1,
        "running": 1,
    }
    assert chart.dots["failed"][0][2:] == (BOTTOM, "trial 4, failed: no score")
    assert chart.dots["pruned"][0].label == "trial 3, pruned: 0.2"


def test_scores_that_are_all_alike_can_be_drawn(tmp_path):
    assert history(sweep_of(tmp_path, [({}, 0.5)])).dots["finished"][0].x == (LEFT + RIGHT) / 2


def test_a_sweep_without_scores_has_no_history(tmp_path):
    folder = write_search(tmp_path / "sweep")
    write_ledger(folder, [row(0, "failed", {}, None)])
    assert history(read_sweep(folder)) is None


def test_axes_are_linear_logarithmic_or_of_names(tmp_path):
    params = [
        {"lr": 0.0001, "width": 0, "wave": "none", "layers": [1, 2]},
        {"lr": 0.001, "width": 50, "wave": "noise", "layers": [1]},
        {"lr": 0.1, "width": 100, "wave": "none", "layers": None},
    ]
    chart = parallel(sweep_of(tmp_path, [(one, 0.1 * n) for n, one in enumerate(params)]))
    assert [axis.name for axis in chart.axes] == ["lr", "width", "wave", "layers", "val/accuracy"]
    span = AXIS_BOTTOM - AXIS_TOP
    assert heights(chart, 0) == pytest.approx({0: AXIS_BOTTOM, 1: AXIS_BOTTOM - span / 3, 2: AXIS_TOP}, abs=0.01)
    assert heights(chart, 1) == pytest.approx({0: AXIS_BOTTOM, 1: AXIS_BOTTOM - span / 2, 2: AXIS_TOP})
    assert heights(chart, 2)[0] == heights(chart, 2)[2] != heights(chart, 2)[1]
    assert [tick.label for tick in chart.axes[0].ticks] == ["0.0001", "0.001", "0.01", "0.1"]
    assert [tick.label for tick in chart.axes[2].ticks] == ["noise", "none"]
    assert [tick.label for tick in chart.axes[3].ticks] == ["[1, 2]", "[1]", "null"]


def test_the_space_says_what_is_logarithmic(tmp_path):
    space = {"lr": "tag(log, interval(1e-3, 1e-2))", "augment=noise": {"width": "interval(1, 1000)"}}
    trials = [({"lr": lr, "width": 10**n}, 0.1 * n) for n, lr in enumerate([0.001, 0.002, 0.004])]
    sweep = sweep_of(tmp_path, trials, space=space)
    assert sweep.logarithmic == {"lr": True, "width": False}
    chart = parallel(sweep)
    low, middle, high = (heights(chart, 0)[n] for n in range(3))
    assert low - middle == pytest.approx(middle - high, abs=0.02)
    assert [tick.label for tick in chart.axes[0].ticks] == ["0.001", "0.002", "0.005"]
    assert heights(chart, 1)[1] - heights(chart, 1)[2] > 5 * (heights(chart, 1)[0] - heights(chart, 1)[1])


def test_absent_parameters_pass_below_their_axis(tmp_path):
    results = [({"a": "x", "b": 3}, 0.1), ({"a": "y"}, 0.2), ({"a": "y"}, 0.3)]
    chart = parallel(sweep_of(tmp_path, results))
    # b has one value only, in the middle of its axis
    assert heights(chart, 1) == {0: (AXIS_TOP + AXIS_BOTTOM) / 2, 1: ABSENT, 2: ABSENT}
    assert [axis.absent for axis in chart.axes] == [False, True, False]


@pytest.mark.parametrize(("direction", "best"), [("max", 1), ("min", 2)])
def test_the_best_line_is_on_top(tmp_path, direction, best):
    chart = parallel(
        sweep_of(tmp_path, [({"a": n}, score) for n, score in enumerate([0.5, 0.9, 0.1])], direction=direction)
    )
    assert [line.share for line in chart.lines] == [0, 0.5, 1]
    assert chart.lines[-1].label.startswith(f"trial {best}:")


def test_nothing_that_varies_is_said(tmp_path):
    assert "here are 1 finished" in parallel(sweep_of(tmp_path, [({"a": 1}, 0.5)]))

from __future__ import annotations

import json

import pytest
from sweeps import row, write_ledger, write_run, write_search, write_sweep

from asrx.report.sweep import is_sweep, read_sweep
from asrx.types import UserError


def test_a_sweep_is_read_back(tmp_path):
    sweep = read_sweep(write_sweep(tmp_path / "sweep", finished=2, utterances=20))
    assert (sweep.metric, sweep.direction, sweep.repeats, sweep.budget) == ("val/accuracy", "max", 2, 20)
    assert [trial.state for trial in sweep.trials] == ["finished", "finished", "pruned", "failed", "running"]
    first, pruned = sweep.trials[0], sweep.trials[2]
    assert first.params["augment.width"] == 10
    assert [len(run.predictions) for run in first.runs] == [20, 20]
    assert [len(curve) for curve in first.curves] == [3, 3]
    assert (pruned.score, pruned.runs, [len(curve) for curve in pruned.curves]) == (0.2, [], [2])
    assert sweep.trials[4].seconds is None


def test_trials_come_by_number(tmp_path):
    folder = write_search(tmp_path / "sweep", direction="min")
    write_run(folder / "1000" / "seed0", [True])
    write_ledger(folder, [row(1000, "finished", {}, 0.25), row(2, "failed", {}, None)])
    sweep = read_sweep(folder)
    assert [(trial.number, trial.state) for trial in sweep.trials] == [(2, "failed"), (1000, "finished")]
    assert sweep.goodness(0.1) > sweep.goodness(0.25)


def test_trials_of_another_space_are_left_out(tmp_path):
    folder = write_search(tmp_path / "sweep")
    write_ledger(folder, [row(n, "failed", {}, None, fits=fits) for n, fits in enumerate([False, True])])
    assert [trial.number for trial in read_sweep(folder).trials] == [1]


def test_a_run_is_no_sweep(tmp_path):
    assert not is_sweep(write_run(tmp_path / "run", [True]))
    assert is_sweep(write_search(tmp_path / "sweep"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"trial": 3', r"ledger.jsonl, line 2: is no JSON \("),
        ("[3]", "line 2: is no JSON object"),
        (json.dumps({"trial": 3}), "line 2: state is missing"),
        (json.dumps(row(3, "done", {}, None)), "line 2: state is 'done', not one of finished, running"),
        (json.dumps(row(3, "pruned", {}, "high")), "line 2: score is 'high'"),
        (json.dumps(row(3, "pruned", {}, float("nan"))), "line 2: a score is no finite number"),
        (json.dumps(row(0, "failed", {}, None)), "line 2: trial 0 has a line already"),
        (json.dumps(row(3, "failed", {}, None, more=1)), "line 2: more is nothing that a trial has"),
        (json.dumps(row(3, "finished", {}, None)), "line 2: the trial is finished but has no score"),
        (json.dumps(row(3, "finished", {}, 0.5, scores={})), "line 2: the trial is finished but has no score"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, message):
    folder = write_search(tmp_path / "sweep")
    (folder / "ledger.jsonl").write_text(json.dumps(row(0, "failed", {}, None)) + "\n" + line + "\n")
    with pytest.raises(UserError, match=message):
        read_sweep(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("metric: [", "search.yaml is no YAML"),
        ("", "holds no mapping"),
        ("metric: val/wer\n", "search.yaml: direction is None: give it the str"),
        (
            "{metric: a, direction: up, folds: 1, repeats: 1, space: {}, fixed: []}",
            "direction is 'up': write max or min",
        ),
    ],
)
def test_a_broken_search_is_named(tmp_path, text, message):
    folder = write_search(tmp_path / "sweep")
    (folder / "search.yaml").write_text(text)
    with pytest.raises(UserError, match=message):
        read_sweep(folder)


def test_what_a_sweep_lacks_is_named(tmp_path):
    folder = write_search(tmp_path / "sweep")
    with pytest.raises(UserError, match=r"has no ledger\.jsonl"):
        read_sweep(folder)
    write_ledger(folder, [row(0, "finished", {}, 0.5)])
    with pytest.raises(UserError, match="seed0 is gone"):
        read_sweep(folder)
    run = write_run(folder / "000" / "seed0", [True])
    (run / "predictions.jsonl").unlink()
    with pytest.raises(UserError, match=r"predictions\.jsonl has 0 of 1 lines: bring it back"):
        read_sweep(folder)
    metrics = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").write_text(json.dumps(metrics | {"test": None}))
    with pytest.raises(UserError, match="seed0 was not tested, though the ledger calls trial 0 finished"):
        read_sweep(folder)

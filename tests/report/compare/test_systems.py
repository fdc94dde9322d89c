from __future__ import annotations

import json

import pytest
from sweeps import row, write_ledger, write_run, write_search

from asrx.report.compare.systems import of_run, of_trial, varied
from asrx.report.folder import read_run
from asrx.report.sweep import read_sweep
from asrx.types import UserError


def trial_of(folder, scores):
    write_ledger(folder, [row(0, "finished", {"lr": 0.1}, 0.5, scores=dict.fromkeys(scores, 0.5))])
    sweep = read_sweep(folder)
    return of_trial(sweep, sweep.trials[0], "trial 0")


def test_seeds_are_averaged_and_folds_are_pooled(tmp_path):
    folder = write_search(tmp_path / "sweep", folds=2, repeats=2, fixed=["dataset=fsdd", "data_dir=/tmp"])
    runs = {"fold0_seed0": ([1, 1], 0), "fold0_seed1": ([1, 0], 0), "fold1_seed0": ([0], 2), "fold1_seed1": ([0], 2)}
    for name, (right, first) in runs.items():
        write_run(folder / "000" / name, right, first=first, speakers=2)
    system = trial_of(folder, runs)
    counts = {key: (one.errors, one.units, one.prediction.speaker) for key, one in system.counts.items()}
    assert counts == {
        ("/data/0.wav 0.0", "yes", 0): (0, 1, "s0"),
        ("/data/1.wav 0.0", "yes", 0): (0.5, 1, "s1"),
        ("/data/2.wav 0.0", "yes", 0): (1, 1, "s0"),
    }
    assert system.params == {"dataset": "fsdd", "lr": 0.1}
    assert (system.kind, system.part, system.parameters) == ("classification", "test", 61690)


def test_runs_of_a_trial_must_be_alike(tmp_path):
    folder = write_search(tmp_path / "sweep")
    write_run(folder / "000" / "seed0", [1], part="val")
    write_run(folder / "000" / "seed1", [1])
    with pytest.raises(UserError, match="cannot be compared: their parts are test and val"):
        trial_of(folder, ["seed0", "seed1"])


def test_word_errors_are_counted_as_the_run_counted_them(make_run, sentences):
    folder = make_run("error_rate", sentences)
    system = of_run(read_run(folder), "run")
    test = json.loads((folder / "metrics.json").read_text())["test"]
    assert sum(count.units for count in system.counts.values()) == test["words"]
    assert sum(count.errors for count in system.counts.values()) == pytest.approx(test["wer"] * test["words"])
    assert (system.steps, system.seconds) == (30, 100)


def test_an_untested_run_says_so(make_run):
    system = of_run(read_run(make_run("error_rate", None)), "run")
    assert (system.counts, system.state, system.reason) == (None, "interrupted", "it was not tested")


def test_overrides_are_parameters_but_places_are_not(tmp_path):
    run = write_run(tmp_path / "run", [1], ["+a.b=1", "dataset.root=/data", "logger=wandb", "augment=none"])
    assert of_run(read_run(run), "run").params == {"a.b": "1", "augment": "none"}


def test_what_varies_has_two_values_or_is_absent_somewhere():
    same = {"a": 1, "b": [1, 2], "c": True}
    assert varied([same, same | {"b": [1]}, same]) == ["b"]
    assert varied([same, {"a": "1", "b": [1, 2]}]) == ["c"]
    assert varied([same]) == []

"""Whole sweeps by the command, on a few tones."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from calls import call

from asrx.search.command import _report
from asrx.search.sweep import Sweep
from asrx.types import UserError

FAST = [
    *("trainer=cpu", "trainer.max_epochs=4", "trainer.enable_progress_bar=false", "dataset.batch_size=4"),
    *("model.encoder.width=8", "model.encoder.channels=[4,4]", "logger=[csv]"),
]
SPACE = ["model.encoder.dropout=interval(0.0,0.5)", "optimizer.lr=tag(log,interval(1e-3,1e-1))"]
TPE = ["-m", "search=tpe", "search.trials=5", "search.method.startup=2", *FAST, *SPACE]


def ledger(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]


def content(folder: Path) -> list[dict]:
    """Without what a clock says."""
    return [{name: value for name, value in trial.items() if name != "seconds"} for trial in ledger(folder)]


def wait_until(process: subprocess.Popen, reached: Callable[[], bool]) -> None:
    while not reached():
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.05)


@pytest.fixture(scope="module")
def command():
    """Start the command as a process: overrides in."""

    def start(*overrides: str) -> subprocess.Popen:
        words = [sys.executable, "-m", "asrx", *overrides]
        return subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ)
        )

    return start


@pytest.fixture(scope="module")
def alone(tone_labels, tmp_path_factory) -> Path:
    """A TPE sweep that nobody disturbed."""
    folder = tmp_path_factory.mktemp("sweeps") / "alone"
    with redirect_stdout(io.StringIO()) as output:
        call(*TPE, *tone_labels, f"search.dir={folder}")
    assert "trial 4 finished" in output.getvalue() and "python -m asrx" in output.getvalue()
    return folder


def test_every_trial_is_a_line(alone):
    trials = ledger(alone)
    assert [trial["trial"] for trial in trials] == list(range(5))
    for trial in trials:
        run = alone / f"{trial['trial']:03}" / "seed0"
        metrics = json.loads((run / "metrics.json").read_text())
        assert trial["state"] == "finished" and set(trial["params"]) == {"model.encoder.dropout", "optimizer.lr"}
        assert trial["score"] == trial["scores"]["seed0"] == metrics["test"]["accuracy"]
        assert trial["steps"] == 4 * 6 and trial["seconds"] > 0
        assert metrics["part"] == "val"
        assert {row["id"] for row in map(json.loads, (run / "predictions.jsonl").read_text().splitlines())}
    assert (alone / "compare.html").exists() and (alone / "compare.csv").exists()


def test_a_sweep_stopped_twice_ends_as_one_left_alone(alone, command, launch, tone_labels, tmp_path):
    draw, folder = random.Random(5), tmp_path / "stopped"
    for trials, number in enumerate([signal.SIGKILL, signal.SIGINT], 1):
        process = command(*TPE, *tone_labels, f"search.dir={folder}")
        wait_until(process, lambda n=trials: (folder / "ledger.jsonl").exists() and len(ledger(folder)) >= n)
        time.sleep(2 * draw.random())
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == (130 if number == signal.SIGINT else -number) and "Traceback" not in output, output
    launch(*TPE, *tone_labels, f"search.dir={folder}")
    assert content(folder) == content(alone)


def test_a_finished_sweep_has_nothing_more_to_do(alone, launch, tone_labels, capsys):
    before = (alone / "ledger.jsonl").read_text()
    launch(*TPE, *tone_labels, f"search.dir={alone}")
    assert (alone / "ledger.jsonl").read_text() == before
    assert "5 of them are there already" in capsys.readouterr().out


def test_a_sweep_that_goes_on_after_the_data_changed_counts_its_trials_no_more(launch, tones, tmp_path, capsys):
    import shutil

    manifest = Path(next(o for o in tones if o.startswith("dataset.train=")).split("=")[1])
    shutil.copytree(manifest.parent, tmp_path / "data", ignore=shutil.ignore_patterns("data"))
    parts = [f"dataset.{part}={tmp_path / 'data' / part}.jsonl" for part in ("train", "val", "test")]
    cache = f"data_dir={tmp_path}/cache"
    sweep = ["-m", "search=grid", *FAST, *tones, *parts, cache, "trainer.max_epochs=1", "optimizer.lr=1e-3,1e-2"]
    sweep.append(f"search.dir={tmp_path}/sweep")
    launch(*sweep)
    launch(*sweep)
    assert "2 of them are there already." in capsys.readouterr().out
    before = [row["score"] for row in ledger(tmp_path / "sweep")]
    own = tmp_path / "data" / "train.jsonl"
    own.write_text(own.read_text().replace('"text": "', '"text": "d'))
    launch(*sweep)
    rows = ledger(tmp_path / "sweep")
    assert [row["fits"] for row in rows] == [False, False, True, True]
    assert [row["score"] for row in rows[:2]] == before
    assert "0 of them are there already, 2 of another space, config or data" in capsys.readouterr().out
    kept = Sweep.load(tmp_path / "sweep")
    assert kept.outdated() == []
    own.write_text(own.read_text().replace('"text": "d', '"text": "c'))
    with pytest.raises(UserError, match=r"changed while the sweep ran, so that trials 2, 3 had other"):
        _report(kept)


def test_a_search_over_who_is_tested_on_ends_with_the_mean(launch, tone_labels, tmp_path, capsys):
    who = ["dataset/split=leave_speakers_out", "dataset.split.val=0.2", "dataset.split.speakers=[train-0],[train-1]"]
    metric = ["search.metric=test/accuracy", "trainer.max_epochs=1"]
    launch("-m", "search=grid", *FAST, *tone_labels, *who, *metric, f"search.dir={tmp_path}/sweep")
    scores = [row["score"] for row in ledger(tmp_path / "sweep")]
    mean = f"{sum(scores) / 2:.4g}"
    out = capsys.readouterr().out
    assert (
        f"No recording is in two of these 2 tests, as where each leaves out another speaker: test/accuracy {mean}"
        in out
    )
    assert out.splitlines()[-1] == (
        f"The trials differ in what they are tested on, and none is to be chosen: test/accuracy {mean} on average."
    )


def test_a_failed_trial_says_why_and_the_sweep_goes_on(launch, tone_labels, tmp_path, capsys):
    points = "optimizer.lr=choice(1e-2,1e30,2e-2)"
    launch("-m", "search=grid", *FAST, *tone_labels, points, f"search.dir={tmp_path}/sweep")
    trials = ledger(tmp_path / "sweep")
    assert [trial["state"] for trial in trials] == ["finished", "failed", "finished"]
    assert "Training diverged" in trials[1]["reason"] and "Training diverged" in capsys.readouterr().out
    assert "Training diverged" in (tmp_path / "sweep/001/seed0/output.txt").read_text()


def test_a_run_whose_process_dies_is_a_failed_trial(launch, tone_labels, tmp_path):
    def kill_one():
        while not (children := multiprocessing.active_children()):
            time.sleep(0.01)
        os.kill(children[0].pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    launch("-m", "search=grid", *FAST, *tone_labels, "seed=1,2,3", f"search.dir={tmp_path}/sweep")
    killer.join()
    trials = ledger(tmp_path / "sweep")
    assert [trial["state"] for trial in trials] == ["failed", "finished", "finished"]
    assert "signal 9" in trials[0]["reason"] and "memory" in trials[0]["reason"]
    assert [list(trial["scores"]) for trial in trials[1:]] == [["seed2"], ["seed3"]]


def test_folds_and_repeats_are_all_kept_and_averaged(launch, tone_labels, tmp_path):
    settings = ["search.folds=2", "search.repeats=2", "optimizer.lr=1e-3,1e-2", f"search.dir={tmp_path}/sweep"]
    launch("-m", "search=grid", *FAST, *tone_labels, "dataset/split=stratified", *settings)
    held_out = {}
    for trial in ledger(tmp_path / "sweep"):
        assert set(trial["scores"]) == {f"fold{f}of2_seed{s}" for f in (1, 2) for s in (0, 1)}
        assert trial["score"] == pytest.approx(sum(trial["scores"].values()) / 4)
        for name in trial["scores"]:
            lines = (tmp_path / f"sweep/{trial['trial']:03}/{name}/predictions.jsonl").read_text().splitlines()
            held_out.setdefault(name[:7], set()).update(json.loads(line)["id"] for line in lines)
    assert not held_out["fold1of"] & held_out["fold2of"] and len(set.union(*held_out.values())) == 32


def test_pruned_trials_stop_early_and_say_so(launch, tone_labels, tmp_path):
    pruned = ["search.prune=asha", "search.metric=val/loss", f"search.dir={tmp_path}/sweep"]
    launch("-m", "search=grid", *FAST, *tone_labels, "optimizer.lr=choice(1e-2,1e-9,2e-9)", *pruned)
    first, *rest = ledger(tmp_path / "sweep")
    assert first["state"] == "finished" and first["steps"] == 24
    assert {trial["state"] for trial in rest} == {"pruned"}
    assert all(trial["steps"] < 24 and "asha" in trial["reason"] for trial in rest)
    rows = list(csv.DictReader((tmp_path / "sweep/001/seed0/metrics.csv").read_text().splitlines()))
    assert rest[0]["score"] == min(float(row["val/loss"]) for row in rows)


def test_a_dry_run_trains_nothing(launch, tone_labels, tmp_path, capsys):
    launch(*TPE, *tone_labels, "search.dry_run=true", f"search.dir={tmp_path}/sweep")
    shown = capsys.readouterr().out
    assert "trial 0: model.encoder.dropout=" in shown and "trial 1: " in shown and "trial 2: " not in shown
    assert "3 more, which depend on the scores" in shown and "5 trials, 5 runs of " in shown
    assert not (tmp_path / "sweep").exists()


def test_conditions_are_kept(launch, tone_labels, tmp_path, monkeypatch):
    own = tmp_path / "experiments"
    own.mkdir()
    (own / "conditional.yaml").write_text(
        "# @package _global_\nsearch:\n  space:\n    optimizer: choice(sgd, adam)\n"
        "    optimizer=sgd:\n      optimizer.momentum: choice(0.0, 0.9)\n"
    )
    monkeypatch.chdir(tmp_path)
    launch("-m", "search=grid", "experiments=conditional", *FAST, *tone_labels, f"search.dir={tmp_path}/sweep")
    assert [trial["params"] for trial in ledger(tmp_path / "sweep")] == [
        {"optimizer": "sgd", "optimizer.momentum": 0.0},
        {"optimizer": "sgd", "optimizer.momentum": 0.9},
        {"optimizer": "adam"},
    ]


@pytest.mark.parametrize("launcher", [["joblib", "hydra.launcher.n_jobs=2"], ["submitit_local", "search.jobs=2"]])
def test_workers_side_by_side_share_the_trials(launcher, launch, tone_labels, tmp_path):
    chosen = [f"hydra/launcher={launcher[0]}", launcher[1], f"search.dir={tmp_path}/sweep"]
    launch("-m", "search=grid", *FAST, *tone_labels, "seed=1,2,3,4", "trainer.max_epochs=1", *chosen)
    assert [(trial["trial"], trial["state"]) for trial in ledger(tmp_path / "sweep")] == [
        (number, "finished") for number in range(4)
    ]
    for number in range(4):
        output = (tmp_path / f"sweep/{number:03}/seed{number + 1}/output.txt").read_text()
        assert output.count("Result on the validation part") == 1, "each was run once, by one of the two"
    assert {path.name for path in (tmp_path / "sweep/workers").iterdir()} >= {"0", "1"}


def test_a_folder_is_named_after_the_command(launch, tone_labels, tmp_path):
    for seeds in ("1,2", "1,2,3"):
        launch(
            "-m", "search=grid", *FAST, *tone_labels, f"seed={seeds}", "trainer.max_epochs=1", f"run_dir={tmp_path}/r"
        )
    (folder,) = (tmp_path / "r/sweeps").iterdir()
    assert [trial["params"]["seed"] for trial in ledger(folder)] == [1, 2, 3]


@pytest.mark.parametrize("place", ["a file", "a file/below"])
def test_a_folder_that_cannot_be_is_refused(launch, tone_labels, tmp_path, place):
    (tmp_path / "a file").write_text("")
    with pytest.raises(SystemExit, match=r"cannot be a folder|is a file"):
        launch("-m", "search=grid", *FAST, *tone_labels, "seed=1,2", f"search.dir='{tmp_path}/{place}'")


def test_folders_may_have_any_name(launch, tone_labels, tmp_path):
    launch("-m", "search=grid", *FAST, *tone_labels, "seed=1,2", f"search.dir='{tmp_path}/größe x'")
    assert len(ledger(tmp_path / "größe x")) == 2


@pytest.mark.parametrize(("number", "seconds"), [(signal.SIGINT, 0.5), (signal.SIGTERM, 3.0)])
def test_signals_are_heard_while_the_first_run_is_prepared(command, tone_labels, tmp_path, number, seconds):
    long = ["trainer.max_epochs=100000", "seed=1,2", f"search.dir={tmp_path}/sweep"]
    process = command("-m", "search=grid", *FAST, *tone_labels, *long)
    wait_until(process, lambda: (tmp_path / "sweep/000/lock").exists())
    time.sleep(seconds)
    process.send_signal(number)
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 130 and "Traceback" not in output, output
    assert ledger(tmp_path / "sweep")[0]["state"] == "running"


def test_joblib_s_workers_end_with_the_command(command, tone_labels, tmp_path):
    long = ["trainer.max_epochs=100000", "seed=1,2,3", f"search.dir={tmp_path}/sweep"]
    process = command(
        "-m", "search=grid", *FAST, *tone_labels, *long, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"
    )
    wait_until(process, lambda: len(list(tmp_path.glob("sweep/*/seed*/last.ckpt"))) >= 2)
    process.kill()
    process.communicate(timeout=30)  # the pipe ends with the last of them
    files = sorted(tmp_path.glob("sweep/*/seed*/metrics.csv"))
    sizes = [file.stat().st_size for file in files]
    time.sleep(1)
    assert sizes == [file.stat().st_size for file in files]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["search=tpe", "seed=1"], "search=tpe is a sweep: write python -m asrx -m"),
        (["-m", "seed=1,2", "search.folds=3"], "search.folds=3 says how to search"),
        (["-m", "search=grid", "seed=1,2", "search.trials=2,3"], "search.trials=2,3 says how to search"),
        (["-m", "search=grid", "seed=1,2", "search.max_failure_rate=abc"], "should be a number"),
        (["-m", "search=grid", "seed=1,2", "search.retry_failed=maybe"], "should be true or false"),
        (["-m", "search=grid", "seed=1,2", "search.metric=5"], "search.metric=5 is none of"),
        (["-m", "search=grid", "seed=1,2", "search.space=null"], "should be a mapping"),
        (["-m", "search=grid", "seed=1,2", "+search.spcae=3"], "search.spcae is no key"),
        (["-m", "search=grid", "seed=1,2", "+search.method.startup=3"], "search.method.startup"),
        (["-m", "search=tpe", "seed=1,2", "search.method.startup=abc"], "should be a whole number"),
        (["-m", "search=grid", "seed=1,2", "search.prune={_target_: nonsense}"], "nonsense"),
        (["-m", "search=grid", "seed=1,2", "search.prune={_target_: pathlib.Path}"], "pathlib.Path is refused"),
        (["-m", "search=grid", "seed=1,2", "search.folds=2", "dataset/split=digits_80_20"], "has no folds"),
        (["-m", "search=grid,random", "seed=1"], "search=grid is a sweep"),
        (["-m", "search=grid"], "nothing to search"),
        (["-m", "search=grid", "optimizer.lr=interval(0.1,1)"], "an interval has too many"),
        (["-m", "search=random", "search.trials=null", "optimizer.lr=interval(0.1,1)"], "should be a number"),
        (
            ["-m", "search=tpe", "model.encoder.width=interval(16,64)"],
            r"write 'model\.encoder\.width=int\(interval\(16, 64\)\)'",
        ),
        (
            ["-m", "search=random", "seed=interval(0,100)"],
            r"seed takes whole numbers, and interval\(0, 100\)",
        ),
        (["-m", "search=grid", "optimizer.lr=choice(0.1,fast)"], "optimizer.lr=fast should be a number"),
        (["-m", "search=grid", "model.encoder.layers=1,1.5"], r"model.encoder.layers=1.5 should be a whole number"),
        (["-m", "search=grid", "features.normalize=null,corpus"], "features.normalize=null should be a text"),
        (["-m", "search=grid", "optimizer.lrr=1,2"], "optimizer.lrr"),
        (["-m", "search=grid", "augment=none,specag"], "Did you mean specaug"),
        (["-m", "search=grid", "seed=1,2", "search.direction=up"], "neither min nor max"),
        (["-m", "search=grid", "seed=1,2", "trainer=ddp"], "leave out -m"),
        (["-m", "search=grid", "seed=1,2", "search.folds=0"], "search.folds=0 should be a whole number from 1"),
        (["-m", "search=grid", "seed=1,2", "search.prune=bad"], "none of asha, median"),
        (["-m", "search=grid", "seed=1,2", "search.metric=val/wer"], "none of val/loss, val/accuracy"),
        (["-m", "search=grid", "seed=1,2", "search.metric=test/loss", "search.prune=asha"], "looks at validation"),
        (["-m", "search=grid", "seed=1,2", "search.jobs=2"], "add hydra/launcher=joblib"),
        (["-m", "search=grid", "seed=1,2", "hydra/launcher=submitit_local"], "add search.jobs=N"),
        (["-m", "search=grid", "search.spce=1", "seed=1,2"], "search.spce"),
        (["-m", "search=grid", "model=crnn_ce,crnn_ctc"], "judged by different metrics"),
        (["-m", "search=grd", "seed=1,2"], "search has no choice grd. Did you mean grid"),
    ],
)
def test_what_cannot_be_searched_is_answered_in_a_sentence(launch, tone_labels, tmp_path, overrides, words):
    with pytest.raises(SystemExit, match=words) as refused:
        launch(*overrides[:2], *tone_labels, *FAST, *overrides[2:], f"search.dir={tmp_path}/sweep")
    assert str(refused.value).startswith("asrx: ") and "\n" not in str(refused.value)
    assert not (tmp_path / "sweep/ledger.jsonl").exists()

"""A run folder is all that its model needs, and recordings are known by what they hold."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from corpus import sentences, write_manifest

from asrx.checkpoint import read_checkpoint
from asrx.commands.evaluate import evaluate, keep
from asrx.config.saved import config_of
from asrx.data.prepare import Prepared
from asrx.evaluation.measure import scores
from asrx.evaluation.trained import _check_unheard, load, load_model
from asrx.report.files import write_recordings
from asrx.types import UserError, Utterance

FAST = [
    *("model.encoder.width=16", "model.encoder.channels=[4,8]", "dataset.batch_size=8", "trainer.max_epochs=2"),
    *("trainer=cpu", "trainer.enable_progress_bar=false", "dataset.sample_rate=8000", "features.n_mels=20"),
]


def corpus(folder: Path) -> list[str]:
    parts = {"train": (24, 1), "val": (8, 2), "test": (8, 3)}
    paths = {name: write_manifest(folder, sentences(count, seed), name, seed) for name, (count, seed) in parts.items()}
    return [f"dataset.{name}={path}" for name, path in paths.items()]


@pytest.fixture
def moved(launch, tmp_path):
    """A run whose folder was copied and whose recordings were moved: its copy, and where the recordings are now."""
    before, after = tmp_path / "before", tmp_path / "after"
    run = launch("dataset=manifest", *corpus(before), f"data_dir={tmp_path / 'cache'}", *FAST)
    copy = shutil.copytree(run, tmp_path / "copy")
    shutil.move(before, after)
    shutil.rmtree(tmp_path / "cache")
    return copy, [f"dataset.{part}={after / part}.jsonl" for part in ("train", "val", "test")]


def test_a_moved_run_loads_evaluates_and_goes_on(moved, launch, tmp_path):
    run, places = moved
    metrics = json.loads((run / "metrics.json").read_text())
    for path in (str(run), run / "best.ckpt"):
        model = load_model(path)
        assert sum(p.numel() for p in model.pipeline.parameters()) == metrics["parameters"]
        assert not model.pipeline.training
    wave_BT = torch.randn(2, 4000)
    answers = [load_model(path).pipeline(wave_BT, torch.tensor([4000, 3000]))[0] for path in (run, run / "best.ckpt")]
    assert torch.equal(*answers)

    with pytest.raises(UserError, match=r"train\.jsonl .* where it is now: dataset\.train=\.\.\.$"):
        evaluate([run], [], None, [])
    cache = f"data_dir={tmp_path / 'cache2'}"
    keep(evaluate([run], [*places, cache], None, [])[1])
    (found,) = json.loads((run / "evaluation.json").read_text()).values()
    assert found["clean"] == {name: value for name, value in metrics["test"].items() if name != "loss"}

    rows = list(csv.reader((run / "metrics.csv").open()))
    launch(f"resume={run}", *places, cache)
    assert list(csv.reader((run / "metrics.csv").open())) == rows
    assert json.loads((run / "metrics.json").read_text())["test"] == metrics["test"]
    launch(f"resume={run}")  # it knows the place by now
    assert config_of(run, []).resume is None
    with pytest.raises(SystemExit, match="leave out seed=3"):
        launch(f"resume={run}", "seed=3")


def test_a_model_is_loaded_without_lightning(moved):
    load = (
        f"from pathlib import Path; from asrx.evaluation.trained import load_model; load_model(Path({str(moved[0])!r}))"
    )
    code = f"import sys; {load}; print({{'pytorch_lightning', 'sklearn', 'jinja2'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_recordings_are_known_by_what_they_hold(launch, tmp_path):
    """Not by their line or path: a line in front of a manifest, and a copied folder, change nothing."""
    folder = tmp_path / "data"
    manifest, *_ = (Path(o.partition("=")[2]) for o in corpus(folder))
    data = ["dataset=manifest", f"dataset.train={manifest}", "dataset/split=random", f"data_dir={tmp_path / 'cache'}"]
    run = launch(*data, "dataset.split.val=0.25", "dataset.split.test=0.25", *FAST)
    scores(load(run, config_of(run, [])))  # itself is no offence
    lines = manifest.read_text().splitlines()
    refusal = r"was trained on \d+ of the \d+ recordings of this test part, such as train:\d+: give recordings"

    manifest.write_text("\n".join([lines[-1], *lines[:-1]]) + "\n")
    with pytest.raises(UserError, match=refusal):
        load(run, config_of(run, []))
    manifest.write_text("\n".join(lines) + "\n")

    copied = shutil.copytree(folder, tmp_path / "copied")
    with pytest.raises(UserError, match=refusal):
        load(run, config_of(run, [f"dataset.train={copied / manifest.name}", "dataset.split.seed=1"]))
    with pytest.raises(UserError, match=refusal):
        load(run, config_of(run, ["dataset.split.seed=1", "dataset.sample_rate=4000"]))


def test_what_a_run_heard_is_refused_or_told(tmp_path, capsys):
    write_recordings(tmp_path, {"train": [1, 2, 3], "val": [3, 4], "test": [3, 5]})

    def check(*sources, part="test"):
        utterances = [Utterance(f"u{source}", "a.wav", "a", None, part) for source in sources]
        _check_unheard(tmp_path, part, Prepared(utterances, None, [(source,) for source in sources]))
        return capsys.readouterr().out

    assert not check(5, 6) and not check(4, part="val")
    for sources, part in (((1, 5, 6), "test"), ((2, 4), "val")):
        with pytest.raises(UserError, match=f"trained on 1 of the {len(sources)} recordings of this {part} part, such"):
            check(*sources, part=part)
    assert check(3, 5) == f"1 of the 2 recordings of this test part trained {tmp_path}, such as u3.\n"
    assert check(4, 5) == f"1 of the 2 recordings of this test part validated {tmp_path}, such as u4.\n"


def test_what_is_no_checkpoint_is_answered_in_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"best\.ckpt: there is no such checkpoint; name a run folder"):
        load_model(tmp_path)
    for content in ({}, {"state_dict": {}}, []):
        torch.save(content, tmp_path / "x.ckpt")
        with pytest.raises(UserError, match=r"x\.ckpt cannot be read: it is damaged or no checkpoint of asrx"):
            load_model(tmp_path / "x.ckpt")
    path = tmp_path / "x.ckpt"
    torch.save({"asrx": {"config": {}, "labels": []}, "state_dict": {"w": torch.ones(1000)}}, path)
    whole = path.read_bytes()
    assert read_checkpoint(path)
    for content in (b"", whole[:-10], whole[:2500] + b"x" + whole[2501:]):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"x\.ckpt cannot be read"):
            load_model(path)

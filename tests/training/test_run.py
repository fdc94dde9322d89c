"""Whole runs in this process: what a run leaves behind, and that a stopped one ends as if it had not been stopped."""

from __future__ import annotations

import csv
import json
import re
import signal
from pathlib import Path

import pytest
import torch
from calls import call
from omegaconf import OmegaConf

from asrx.training.trainer import check_trainer
from asrx.types import UserError

SMALL = ["model.encoder.width=16", "model.encoder.channels=[4,8]", "dataset.batch_size=8", "trainer.max_epochs=3"]
BEST = [
    *("optimizer=adamw", "optimizer/average=best", "optimizer.average.epochs=2"),
    *("model/objective=joint", "model.objective.width=16", "model.objective.heads=2"),
]
FAST = [*SMALL, "trainer=cpu", "trainer.enable_progress_bar=false"]


def rows(folder):
    return [
        {name: value for name, value in row.items() if name != "seconds"}
        for row in csv.DictReader(open(folder / "metrics.csv", encoding="utf-8"))
    ]


def test_nobody_else_trains_in_a_run_folder(launch, tones, tmp_path, capsys):
    from filelock import FileLock

    (tmp_path / "run").mkdir()
    with FileLock(tmp_path / "run" / "lock"), pytest.raises(SystemExit, match="another process is at work on that run"):
        launch(*tones, *FAST)
    assert (tmp_path / "run" / "lock").exists()  # the other's
    with pytest.raises(SystemExit, match="seed=-1 should be"):
        launch(*tones, *FAST, "seed=-1", folder="refused")
    assert not (tmp_path / "refused").exists()


def test_a_run_folder_explains_itself(launch, tones):
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    folder = launch(*tones, *FAST, "augment=full", "dataset.workers=1")
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["state"] == "finished"
    assert metrics["test"]["utterances"] == 12
    assert set(metrics["seconds"]) >= {"prepare", "data", "features", "model", "validation", "test"}
    assert len(rows(folder)) == 3
    predictions = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    assert [row["id"] for row in predictions] == [f"test:{i}" for i in sorted(range(1, 13), key=str)]
    for row in predictions:
        assert [word["text"] for word in row["words"]] == row["hypothesis"].split()
        ends = [0.0, *(at for word in row["words"] for at in (word["start"], word["end"]))]
        assert ends == sorted(ends)
        assert 0 <= row["confidence"] <= 1
    environment = json.loads((folder / "environment.json").read_text())
    assert {"run_id", "torch", "git_commit", "device", "command"} <= set(environment)
    assert "augment" in (folder / "config.yaml").read_text()
    assert "augment=full" in (folder / "overrides.yaml").read_text()
    assert "<html" in (folder / "report.html").read_text()
    for name in ("best.ckpt", "last.ckpt"):
        checkpoint = torch.load(folder / name, weights_only=True)
        assert checkpoint["asrx"]["config"]["augment"]["mixup"]["alpha"] == 0.5


@pytest.mark.parametrize(
    "choice",
    [
        pytest.param(BEST, id="one cycle, best epochs, attention and CTC"),
        pytest.param(
            [
                *("optimizer=adam", "optimizer/schedule=plateau", "optimizer.schedule.patience=0"),
                *("model/objective=transducer", "model.objective.width=16"),
            ],
            id="plateau, transducer",
        ),
        pytest.param(
            ["optimizer=sgd", "augment=full", "features.normalize=corpus", "optimizer/rates=layerwise"],
            id="cosine, augmentation, layers' own rates",
        ),
        pytest.param(
            [
                *("+trainer.accumulate_grad_batches=2", "model.encoder.layers=2"),
                *("model.objective.inner=0.3", "model.objective.label_smoothing=0.05"),
            ],
            id="accumulated gradients, inner loss",
        ),
        pytest.param(
            ["optimizer/average=ema", "model.objective.consistency=0.2", "augment=specaug"], id="average, two views"
        ),
        pytest.param(
            [
                *("optimizer/average=last_epochs", "optimizer.average.epochs=2", "optimizer/schedule=noam"),
                "trainer.callbacks=[{_target_: asrx.training.callbacks.freezing.Freeze, parts: [encoder], steps: 4}]",
            ],
            id="last epochs, frozen at first",
        ),
    ],
)
@pytest.mark.parametrize("killed_after", [2, 6, 11], ids=["first batches", "end of an epoch", "middle of an epoch"])
def test_a_killed_run_resumed_ends_as_one_never_killed(
    launch, run_of, tones, tmp_path, monkeypatch, choice, killed_after
):
    from asrx.training.callbacks.checkpoints import Checkpoints
    from asrx.training.system import System

    monkeypatch.setattr(Checkpoints.__init__, "__defaults__", (0.0,))  # last.ckpt after every batch
    whole = run_of(*tones, *FAST, *choice)

    class Killed(BaseException):
        pass

    step, seen = System.training_step, []

    def dying(self, batch, batch_idx):
        seen.append(batch_idx)
        if len(seen) > killed_after:
            raise Killed
        return step(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(System, "training_step", dying)
        with pytest.raises(Killed):
            launch(*tones, *FAST, *choice, folder="killed")
    killed = tmp_path / "killed"
    launch(f"resume={killed}")
    assert rows(killed) == rows(whole)
    outcome = [json.loads((folder / "metrics.json").read_text()) for folder in (killed, whole)]
    assert outcome[0]["test"] == outcome[1]["test"]
    assert outcome[0]["best"] == outcome[1]["best"]
    states = [torch.load(folder / "best.ckpt", weights_only=True)["state_dict"] for folder in (killed, whole)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[1])


def test_the_mean_of_the_best_epochs_counts_where_it_is_no_worse(run_of, tones):
    folder = run_of(*tones, *FAST, *BEST)
    alone = min(float(row["val/cer"]) for row in rows(folder))
    assert json.loads((folder / "metrics.json").read_text())["best"]["val/cer"] <= alone
    assert not any("BestEpochs" in key for key in torch.load(folder / "best.ckpt", weights_only=True)["callbacks"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["export", "RUN", "model.onnx"], "AttentionDecoder has a network of its own, which no form exports"),
        (
            ["evaluate", "RUN", "decode=lexicon"],
            "AttentionDecoder cannot make decode's WordSearch: use decode=greedy or decode=beam",
        ),
    ],
    ids=lambda words: words[0] if isinstance(words, list) else "",
)
def test_what_ctc_alone_can_do_is_refused_by_name(run_of, tones, tmp_path, monkeypatch, words, sentence):
    run = run_of(*tones, *FAST, *BEST)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=sentence):
        call(*(str(run) if word == "RUN" else word for word in words))
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"overfit_batches": 2}, "trainer.overfit_batches takes the sampler away .* with dataset.shared=allow"),
        ({"precision": "64-true"}, "trainer.precision=64-true: .* choose 32-true, bf16-mixed or 16-mixed"),
        ({"max_time": {"secs": 4}}, "trainer.max_time={'secs': 4} is no duration"),
        ({"max_steps": 0}, "trainer.max_steps=0 leaves out"),
        ({"limit_val_batches": 0.0}, "trainer.limit_val_batches=0 leaves out"),
        ({"max_epochs": 3, "check_val_every_n_epoch": 4}, "check_val_every_n_epoch=4 validates after the last"),
        ({"accumulate_grad_batches": 0}, "trainer.accumulate_grad_batches=0 should be a number from 1"),
        ({"gradient_clip_val": -1.0}, "trainer.gradient_clip_val=-1.0 should be a number from 0"),
    ],
)
def test_what_lightning_cannot_do_here_is_refused(settings, sentence):
    with pytest.raises(UserError, match=sentence):
        check_trainer(settings, settings.get("precision", "32-true"))
    check_trainer({"max_epochs": None, "check_val_every_n_epoch": None, "max_time": "00:00:30:00"}, "16-mixed")


def callbacks(name):
    return f"trainer.callbacks=[{{_target_: pytorch_lightning.callbacks.{name}}}]"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("trainer.max_epochs=-1", "optimizer/schedule=one_cycle is spread over all steps"),
        (callbacks("BatchSizeFinder"), "search for the value instead"),
        ("+trainer.limit_val_batches=0.1", "Lightning: You requested to check 0.1 of the `val_dataloader`"),
        ("+trainer.val_check_interval=100", "Lightning: `val_check_interval` (100) must be less than or equal to"),
        (callbacks("LearningRateMonitor"), "Lightning: Cannot use `LearningRateMonitor`"),
    ],
)
def test_what_lightning_finds_out_is_one_sentence(launch, tones, given, sentence):
    with pytest.raises(SystemExit, match=r"^asrx: ") as ended:
        launch(*tones, *FAST, given)
    assert sentence in str(ended.value)


def test_steps_may_end_training_within_an_epoch_and_are_validated(launch, tones):
    folder = launch(*tones, *FAST, "+trainer.max_steps=2", "trainer.max_epochs=null")
    assert [(row["step"], row["val/utterances"]) for row in rows(folder)] == [("2", "12")]


def test_time_may_end_training(launch, tones):
    folder = launch(*tones, *FAST, "trainer.max_epochs=-1", "+trainer.max_time=00:00:00:03", "optimizer/schedule=none")
    assert json.loads((folder / "metrics.json").read_text())["state"] == "finished"


def test_a_damaged_checkpoint_gives_way_to_the_one_before_it(launch, tones, monkeypatch, tmp_path, capsys):
    import pickle

    from asrx.training.system import System

    step, seen = System.training_step, []

    def dying(self, batch, batch_idx):
        seen.append(batch_idx)
        if len(seen) > 14:
            raise KeyError("cause")
        return step(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(System, "training_step", dying)
        with pytest.raises(SystemExit, match=r"not foreseen \(KeyError: 'cause'\): .*run/error\.log says where"):
            launch(*tones, *FAST)
    folder = tmp_path / "run"
    assert "dying" in (folder / "error.log").read_text()

    class Hostile:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "executed",))

    whole = (folder / "last.ckpt").read_bytes()
    for content in (b"", whole[: len(whole) // 2], pickle.dumps(Hostile())):
        (folder / "last.ckpt").write_bytes(content)
        best = (folder / "best.ckpt").read_bytes()
        (folder / "best.ckpt").write_bytes(b"")
        with pytest.raises(SystemExit, match=r"best\.ckpt cannot be read: it is damaged or no"):
            launch(f"resume={folder}")
        (folder / "best.ckpt").unlink()
        with pytest.raises(SystemExit, match=r"last\.ckpt cannot be read: it is damaged or no"):
            launch(f"resume={folder}")
        with pytest.raises(SystemExit, match=r"model.init.checkpoint=.*last\.ckpt cannot be read: it is damaged or no"):
            init = "{_target_: asrx.models.pretrained.load, checkpoint: %s/last.ckpt}"
            launch(*tones, *FAST, f"model.init={init % folder}", folder="other")
        (folder / "best.ckpt").write_bytes(best)
    (folder / "last.ckpt").write_bytes(whole)
    (folder / "best.ckpt").write_bytes(b"")
    with pytest.raises(SystemExit, match=r"best\.ckpt cannot be read"):  # it would be missed once all is trained
        launch(f"resume={folder}")
    (folder / "best.ckpt").write_bytes(best)
    (folder / "last.ckpt").write_bytes(whole[: len(whole) // 2])
    capsys.readouterr()
    launch(f"resume={folder}")
    assert re.search(r"last\.ckpt cannot be read: .* Going on from .*/best\.ckpt, which", capsys.readouterr().out)
    assert json.loads((folder / "metrics.json").read_text())["state"] == "finished"
    assert [row["epoch"] for row in rows(folder)] == ["0", "1", "2"]
    assert not (tmp_path / "executed").exists()


def test_ctrl_c_leaves_a_checkpoint_a_report_and_a_run_that_goes_on(launch, tones, monkeypatch, tmp_path, capsys):
    import shlex

    from asrx.training.system import System

    step, seen = System.training_step, []

    def interrupted(self, batch, batch_idx):
        seen.append(batch_idx)
        if len(seen) == 8:
            signal.raise_signal(signal.SIGINT)
        return step(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(System, "training_step", interrupted)
        with pytest.raises(SystemExit, match="130"):
            launch(*tones, *FAST, folder="my rün")
    folder = tmp_path / "my rün"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["state"], metrics["test"]) == ("interrupted", None)
    assert (folder / "report.html").exists()
    assert torch.load(folder / "last.ckpt", weights_only=True)["global_step"] == 8, "not the batch in hand"
    hint = re.search("Interrupted; python -m asrx (.*) goes on from here", capsys.readouterr().out)[1]
    launch(*shlex.split(hint))
    assert json.loads((folder / "metrics.json").read_text())["state"] == "finished"
    assert len(rows(folder)) == 3


@pytest.mark.parametrize(
    ("data", "metric", "enough"),
    [("tones", "cer", 0.0), ("tone_labels", "accuracy", 1.0)],
    ids=["CTC", "classification"],
)
def test_a_tiny_model_overfits_ten_utterances(request, launch, tmp_path, data, metric, enough):
    from corpus import labels, sentences, write_manifest

    texts = sentences(10, 5) if data == "tones" else labels(10)
    manifest = write_manifest(tmp_path / "ten", texts, "ten")
    same = [f"dataset.{part}={manifest}" for part in ("train", "val", "test")]
    overfit = ["trainer.max_epochs=120", "dataset.batch_size=5", "optimizer.lr=0.01", "model.encoder.dropout=0"]
    overfit += ["model.encoder.width=48", "model.encoder.time_strides=1"]
    settings = [*request.getfixturevalue(data), *FAST, *same, "dataset/split=random", "dataset.shared=allow", *overfit]
    folder = launch(*settings)
    assert json.loads((folder / "metrics.json").read_text())["test"][metric] == enough


def test_what_augmentation_would_leave_too_short_trains_all_the_same_and_is_announced(launch, tones, capsys):
    fast = ["augment=[speed,specaug]", "augment.wave.0.factors=[1.0,4.0]", "trainer.max_epochs=1"]
    folder = launch(*tones, *FAST, *fast)
    told = r"augment\.wave\.0 \(Speed\) might leave \d+ of 48 training utterances too short for their texts, such as"
    assert re.search(told, capsys.readouterr().out)
    assert json.loads((folder / "metrics.json").read_text())["state"] == "finished"
    assert not (folder / "bad_utterances.jsonl").exists()


def test_a_validation_before_training_does_not_count(launch, tones):
    folder = launch(*tones, *FAST, "trainer.num_sanity_val_steps=2", "optimizer/schedule=plateau")
    assert rows(folder) == rows(launch(*tones, *FAST, "optimizer/schedule=plateau", folder="without"))


def test_an_epoch_without_validation_has_no_figures_of_it(launch, tones):
    found = rows(launch(*tones, *FAST, "trainer.max_epochs=4", "+trainer.check_val_every_n_epoch=2"))
    assert [bool(row["val/cer"]) for row in found] == [False, True, False, True]


def test_resume_refuses_data_that_changed(launch, tones, tmp_path):
    manifest = next(o for o in tones if o.startswith("dataset.train=")).partition("=")[2]
    rest = [o for o in tones if not o.startswith("dataset.train=")]
    copy = Path(manifest).with_name("copy.jsonl")
    lines = Path(manifest).read_text().splitlines(keepends=True)
    copy.write_text("".join(lines))
    folder = launch(*rest, *FAST, f"dataset.train={copy}")
    copy.write_text("".join(lines[:-1]))
    with pytest.raises(SystemExit, match="the data is not what it was"):
        launch(f"resume={folder}")


def test_two_validations_in_an_epoch_see_all_the_data(launch, tones):
    folder = launch(*tones, *FAST, "+trainer.val_check_interval=0.5", "trainer.max_epochs=1")
    assert rows(folder)[0]["val/utterances"] == "12"


def test_columns_have_other_names(launch, tones, tmp_path):
    manifest = Path(next(o for o in tones if o.startswith("dataset.train=")).partition("=")[2])
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    table = manifest.with_name("table.csv")
    table.write_text("path,sentence\n" + "".join(f"{row['audio_filepath']},{row['text']}\n" for row in lines))
    names = "dataset.columns={audio_filepath: path, text: sentence}"
    common = ["dataset=manifest", "dataset.sample_rate=8000", "features.n_mels=20", f"data_dir={tmp_path}"]
    folder = launch(*common, f"dataset.train={table}", names, *FAST, "trainer.max_epochs=1")
    assert json.loads((folder / "metrics.json").read_text())["state"] == "finished"


def test_a_run_that_diverged_says_so(launch, tones):
    with pytest.raises(SystemExit, match="Training diverged"):
        launch(*tones, *FAST, "optimizer.lr=1e30", "optimizer/schedule=none", "trainer.gradient_clip_val=null")


def test_a_run_of_four_steps(launch, tones):
    launch(*tones, *FAST, "trainer.max_epochs=1", "+trainer.limit_train_batches=4")


def test_an_override_may_refer_to_another_value(launch, tones):
    folder = launch(*tones, *FAST, "dataset.batch_size=${features.n_mels}")
    assert OmegaConf.load(folder / "config.yaml").dataset.batch_size == 20
    assert "dataset.batch_size=${features.n_mels}" in (folder / "overrides.yaml").read_text()

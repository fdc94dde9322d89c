"""Whole runs by the rules of published experiments: when training stops, which weights are tested, how they begin."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest
import torch

EARLY = "{_target_: pytorch_lightning.callbacks.EarlyStopping, monitor: val/loss, min_delta: 0.05, patience: 3}"
# improves, by less than 0.05 at epoch 3, then at 4 by enough: by then three epochs in a row improve too little
LOSSES = [1.0, 0.8, 0.9, 0.78, 0.7, 0.69, 0.68, 0.72, 0.1, 0.05]
STOPPED, LOWEST = 7, 6  # the epochs at which the rule stops, and with the lowest loss until then
SETTINGS = [
    *("dataset=manifest", "dataset.sample_rate=8000", "features.n_mels=20", "dataset.batch_size=8"),
    *("model=crnn_ce", "model.encoder.width=16", "model.encoder.channels=[4,8]"),
    *("optimizer=adam", "optimizer.lr=0.01", "trainer=cpu", "trainer.enable_progress_bar=false"),
    *("trainer.max_epochs=10", f"trainer.callbacks=[{EARLY}]"),
    "model.init={_target_: asrx.models.keras.initialise}",
]
BATCHES = 3  # of an epoch


class Killed(BaseException):
    pass


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> list[str]:
    """Overrides that choose a few tones; what validates also tests."""
    from corpus import labels, write_manifest

    folder = tmp_path_factory.mktemp("protocols")
    train, val = (write_manifest(folder, labels(count), name) for name, count in (("train", 24), ("val", 8)))
    return [f"dataset.train={train}", f"dataset.val={val}", f"dataset.test={val}", f"data_dir={folder}/data"]


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Call the command with scripted validation losses: a name and overrides in, the run folder out."""
    from asrx.__main__ import main
    from asrx.training.system import System

    runs = tmp_path_factory.mktemp("runs")
    log_scores = System._log_scores

    def scripted(self, part):
        if part == "val":
            loss, count = self.held_out_loss.tolist()
            true_losses[self.current_epoch] = loss / count
            self.held_out_loss[0] = LOSSES[self.current_epoch] * count
        return log_scores(self, part)

    def command(name: str, *overrides: str) -> Path:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(System, "_log_scores", scripted)
            chosen = (*overrides, f"hydra.run.dir={runs / name}") if overrides else [f"resume={runs / name}"]
            patch.setattr(sys, "argv", ["asrx", *chosen])
            main()
        return runs / name

    true_losses = command.true_losses = {}
    return command


@pytest.fixture(scope="module")
def stopped(start, data) -> Path:
    """A run that was stopped early and tested its last weights."""
    return start("stopped", *data, *SETTINGS, "tested=last", "monitor=val/loss")


def rows(folder: Path) -> list[dict[str, str]]:
    found = csv.DictReader((folder / "metrics.csv").read_text().splitlines())
    return [{name: value for name, value in row.items() if name != "seconds"} for row in found]


def figures(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


def weights(folder: Path, name: str) -> dict[str, torch.Tensor]:
    return torch.load(folder / name, weights_only=True)["state_dict"]


def test_training_stops_at_the_epoch_that_the_rule_says(stopped):
    assert [float(row["val/loss"]) for row in rows(stopped)] == pytest.approx(LOSSES[: STOPPED + 1])


def test_the_metric_named_chooses_the_best_checkpoint(stopped):
    assert figures(stopped)["best"] == {"epoch": LOWEST, "val/loss": pytest.approx(LOSSES[LOWEST])}
    assert torch.load(stopped / "best.ckpt", weights_only=True)["epoch"] == LOWEST


def test_the_last_weights_are_tested(stopped, start):
    """What validates also tests."""
    assert figures(stopped)["test"]["loss"] == pytest.approx(start.true_losses[STOPPED])
    assert start.true_losses[STOPPED] != pytest.approx(start.true_losses[LOWEST])


def test_the_best_weights_are_tested(stopped, start, data):
    folder = start("best", *data, *SETTINGS, "tested=best", "monitor=val/loss")
    assert rows(folder) == rows(stopped), "training is the same"
    assert figures(folder)["test"]["loss"] == pytest.approx(start.true_losses[LOWEST])


def test_without_a_name_the_objective_s_metric_chooses(start, data):
    folder = start("accuracy", *data, *SETTINGS, "trainer.max_epochs=2")
    assert list(figures(folder)["best"]) == ["epoch", "val/accuracy"]


@pytest.mark.parametrize(
    ("method", "calls"),
    [
        pytest.param("training_step", BATCHES * 7 + 1, id="while it waited"),
        pytest.param("training_step", BATCHES * 4, id="between two epochs"),
        pytest.param("test_step", 0, id="in the test after it stopped"),
    ],
)
def test_a_killed_run_resumed_stops_where_it_would_have(stopped, start, data, method, calls):
    from asrx.training.system import System

    real, seen, name = getattr(System, method), [], f"{method}{calls}"

    def dying(self, batch, batch_idx):
        seen.append(batch_idx)
        if len(seen) > calls:
            raise Killed
        return real(self, batch, batch_idx)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(System, method, dying)
        start(name, *data, *SETTINGS, "tested=last", "monitor=val/loss")
    folder = start(name)
    assert rows(folder) == rows(stopped)
    assert figures(folder)["test"] == figures(stopped)["test"]
    assert figures(folder)["best"] == figures(stopped)["best"]


def test_keras_s_lstm_has_one_bias_also_after_training(stopped):
    found = weights(stopped, "last.ckpt")
    second = [name for name in found if "bias_hh" in name]
    assert len(second) == 4, "of two layers of two directions"
    assert not any(found[name].any() for name in second)
    assert all((found[name.replace("hh", "ih")] != 0).all() for name in second), "the first ones were trained"


def test_parameters_are_counted_as_keras_does_beside_the_true_number(stopped):
    found = weights(stopped, "last.ckpt")
    names = [name for name in found if name.startswith("pipeline.")]
    moving = sum(found[name].numel() for name in names if "running_" in name)
    second = sum(found[name].numel() for name in names if "bias_hh" in name)
    assert moving and second
    assert figures(stopped)["keras_parameters"] == figures(stopped)["parameters"] + moving - second


@pytest.mark.parametrize(
    ("override", "answer"),
    [
        ("monitor=val/los", r"^asrx: monitor=val/los is none of val/loss, val/accuracy, val/micro_f1, val/macro_f1\.$"),
        ("monitor=train/loss", r"^asrx: monitor=train/loss is none of val/loss, "),
        ("tested=all", r"^asrx: tested=all is neither best nor last\.$"),
        (
            "trainer.callbacks=[{_target_: pytorch_lightning.callbacks.EarlyStopping, monitor: val/los}]",
            r"^asrx: trainer.callbacks.0.monitor=val/los is none of val/loss, .*, train/loss\.$",
        ),
    ],
)
def test_what_cannot_be_watched_or_tested_is_told(launch, data, override, answer):
    with pytest.raises(SystemExit, match=answer):
        launch(*data, *SETTINGS, override)

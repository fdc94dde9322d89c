"""The command, on a run that was trained for a moment."""

from __future__ import annotations

import json
import re
import signal
import sys

import pytest
import torch

from asrx.__main__ import main
from asrx.config.saved import read_config
from asrx.evaluation.trained import load_model
from asrx.export.compared import check_tolerance
from asrx.training.system import System
from asrx.types import UserError


@pytest.fixture
def prune(monkeypatch, capsys):
    def command(*words) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["asrx", "prune", *map(str, words)])
        status = None
        try:
            main()
        except SystemExit as end:
            status = end.code
        return status, capsys.readouterr().out

    return command


def rows(out: str) -> dict[str, dict[str, float]]:
    """The table: figures by column, by the row's name."""
    head, *lines = (
        re.split(r"  +", line) for line in out.splitlines() if re.match("  .*zipped|as trained|pruned", line)
    )
    figures = {name: [float(cell.replace(",", "")) for cell in cells] for name, *cells in lines}
    return {name: dict(zip(head[1:], row, strict=True)) for name, row in figures.items()}


def kernels(folder) -> list[torch.Tensor]:
    return [p for p in load_model(folder).pipeline.parameters() if p.dim() > 1]


def test_half_of_the_weights_stay_zero_when_the_training_is_interrupted_and_resumed(
    trained_run, prune, tmp_path, monkeypatch
):
    step, seen = System.training_step, []

    def interrupted(self, batch, batch_idx):
        seen.append(batch_idx)
        if len(seen) == 8:
            signal.raise_signal(signal.SIGINT)
        return step(self, batch, batch_idx)

    folder = tmp_path / "smaller, {half}"
    with monkeypatch.context() as patch:
        patch.setattr(System, "training_step", interrupted)
        status, _ = prune(trained_run, folder, "--epochs", "3")
    assert status == 130
    assert "holds another run, or another pruning" in str(prune(trained_run, folder, "--epochs", "4")[0])
    status, out = prune(trained_run, folder, "--epochs", "3", "--tolerance", "1e9")
    assert rows(out).keys() == {"as trained", "pruned"}, status
    cfg = read_config(folder)
    assert cfg.trainer.max_epochs == 3 and cfg.model.init.checkpoint == str(trained_run / "best.ckpt")
    assert json.loads((folder / "metrics.json").read_text())["state"] == "finished"
    for before, after in zip(kernels(trained_run), kernels(folder), strict=True):
        assert (after == 0).sum() == round(before.numel() / 2)
        assert before[after == 0].abs().max() < before[after != 0].abs().min()
        assert (after != before).all(), "it was trained on"


def test_half_of_the_units_go(trained_run, prune, tmp_path):
    folder = tmp_path / "narrow"
    status, out = prune(trained_run, folder, "--kind", "structured", "--epochs", "4", "--tolerance", "1e9")
    assert status is None, status
    table = rows(out)
    assert table["pruned"]["parameters"] < 0.35 * table["as trained"]["parameters"]
    assert table["pruned"]["ONNX, MB"] < table["as trained"]["ONNX, MB"]
    encoder = read_config(folder).model.encoder
    assert (encoder.channels, encoder.width) == ([8, 16], 16)
    assert sum(p.numel() for p in load_model(folder).pipeline.parameters()) == table["pruned"]["parameters"]


def test_a_run_that_becomes_much_worse_is_refused_and_kept(trained_run, prune, tmp_path):
    folder = tmp_path / "nothing"
    status, out = prune(trained_run, folder, "--amount", "0.99", "--epochs", "1", "optimizer.lr=1e-9")
    assert re.search(
        r"pruning raises the error of the validation part from [\d.]+ to [\d.]+ %, more than 5 % of", status
    )
    assert f"{folder} is kept" in status and (folder / "best.ckpt").exists()
    whole, pruned = rows(out).values()
    assert whole["not zero"] - pruned["not zero"] == sum(round(0.99 * p.numel()) for p in kernels(trained_run))
    assert pruned["parameters"] == whole["parameters"] and pruned["zipped, MB"] < whole["zipped, MB"]
    assert pruned["WER, %"] > whole["WER, %"]


def test_what_cannot_be_pruned_leaves_nothing(trained_run, prune, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    for words, sentence in [
        ((tmp_path / "nowhere", tmp_path / "new"), "there is no run in that folder"),
        ((trained_run, tmp_path / "full"), "exists already"),
        ((trained_run, tmp_path / "new", "--amount", "1"), "--amount 1 should be a share"),
        ((trained_run, tmp_path / "new", "--tolerance", "-1"), "--tolerance -1 should be"),
        ((trained_run, tmp_path / "new", "--epochs", "0"), "--epochs 0 should be"),
        ((trained_run, tmp_path / "new", "optimizer.rl=1"), "Did you mean"),
        ((trained_run, tmp_path / "new", "word"), "word is no change to a config"),
    ]:
        status, _ = prune(*words)
        assert sentence in str(status), (words, status)
        assert [path.name for path in tmp_path.iterdir()] == ["full"], words


def test_the_error_may_grow_by_a_share_of_itself():
    check_tolerance({"accuracy": 0.9}, {"accuracy": 0.895}, 5, "it", "stop")
    check_tolerance({"wer": 0.2, "cer": 0.1}, {"wer": 0.21, "cer": 0.3}, 5, "it", "stop")
    with pytest.raises(UserError, match=r"it raises the error .* from 10\.00 to 10\.60 %, more than 5 % .*: stop, or"):
        check_tolerance({"accuracy": 0.9}, {"accuracy": 0.894}, 5, "it", "stop")

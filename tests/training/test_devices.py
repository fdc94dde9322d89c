"""Two processes, as on two devices."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys

import jiwer
import pytest
import torch


@pytest.mark.slow
def test_two_cpu_processes_see_the_same_data_and_agree_on_the_metrics(tones, tmp_path):
    watch = tmp_path / "watch.py"
    watch.write_text(
        "import json, os, sys\n"
        "from asrx.training.system import System\n"
        "step = System.training_step\n"
        "def watched(self, batch, batch_idx):\n"
        "    with open(f'{os.environ[\"WATCH\"]}/{self.global_rank}.jsonl', 'a') as file:\n"
        "        file.write(json.dumps([self.current_epoch, batch.index_B.tolist()]) + '\\n')\n"
        "    before = self.train_loss.clone()\n"
        "    loss = step(self, batch, batch_idx)\n"
        "    with open(f'{os.environ[\"WATCH\"]}/loss-{self.global_rank}.jsonl', 'a') as file:\n"
        "        row = [self.current_epoch, *(self.train_loss - before).tolist()]\n"
        "        file.write(json.dumps(row) + '\\n')\n"
        "    return loss\n"
        "System.training_step = watched\n"
        "from asrx.__main__ import main\n"
        "main()\n"
    )
    small = ["model.encoder.width=16", "model.encoder.channels=[4,8]", "dataset.batch_size=8", "trainer.max_epochs=2"]
    ddp = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "trainer.enable_progress_bar=false"]
    done = subprocess.run(
        [sys.executable, str(watch), *tones, *small, *ddp, f"hydra.run.dir={tmp_path}/run"],
        capture_output=True,
        text=True,
        env=os.environ | {"WATCH": str(tmp_path)},
        timeout=300,  # processes that disagree wait for each other for ever
    )
    assert done.returncode == 0, done.stderr
    seen = [json.loads(line) for rank in (0, 1) for line in (tmp_path / f"{rank}.jsonl").read_text().splitlines()]
    for epoch in (0, 1):
        assert sorted(i for e, index in seen if e == epoch for i in index) == list(range(48))
    predictions = [json.loads(line) for line in (tmp_path / "run/predictions.jsonl").read_text().splitlines()]
    assert len({row["id"] for row in predictions}) == len(predictions) == 12
    test = json.loads((tmp_path / "run/metrics.json").read_text())["test"]
    references, hypotheses = zip(*((row["reference"], row["hypothesis"]) for row in predictions), strict=True)
    assert test["utterances"] == 12
    assert test["wer"] == pytest.approx(jiwer.wer(list(references), list(hypotheses)), abs=1e-6)
    assert test["cer"] == pytest.approx(jiwer.cer(list(references), list(hypotheses)), abs=1e-6)
    losses = [
        json.loads(line) for rank in (0, 1) for line in (tmp_path / f"loss-{rank}.jsonl").read_text().splitlines()
    ]
    logged = [
        float(row["train/loss"]) for row in csv.DictReader((tmp_path / "run/metrics.csv").read_text().splitlines())
    ]
    for epoch in (0, 1):
        total, count = (sum(row[i] for row in losses if row[0] == epoch) for i in (1, 2))
        assert count == 48
        assert logged[epoch] == pytest.approx(total / count)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_the_default_uses_the_gpu_with_mixed_precision(launch, tones, monkeypatch):
    from asrx.features.base import Features

    seen, forward = [], Features.forward

    def watched(self, wave, lengths):
        frames, lengths = forward(self, wave, lengths)
        seen.append((frames.device.type, frames.dtype))
        return frames, lengths

    monkeypatch.setattr(Features, "forward", watched)
    launch(*tones, "trainer.max_epochs=1", "augment=full")
    assert set(seen) == {("cuda", torch.float32)}


@pytest.mark.parametrize(
    ("cuda", "bf16", "overrides", "expected"),
    [
        (False, False, [], ("cpu", "32-true")),
        (True, True, [], ("gpu", "bf16-mixed")),
        (True, False, [], ("gpu", "16-mixed")),
        (True, True, ["trainer=cpu"], ("cpu", "32-true")),
        (True, True, ["trainer.precision=32-true"], ("gpu", "32-true")),
    ],
    ids=["no GPU", "a GPU with bf16", "an older GPU", "CPU by choice", "precision by choice"],
)
def test_the_device_that_is_there(monkeypatch, cuda, bf16, overrides, expected):
    from asrx.config.compose import compose
    from asrx.training.trainer import _accelerator, _precision

    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16)
    trainer = compose(overrides).trainer
    accelerator = _accelerator(trainer)
    assert (accelerator, _precision(trainer, accelerator)) == expected

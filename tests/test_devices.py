"""Two processes, as on two devices."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import jiwer
import pytest


@pytest.mark.slow
def test_two_cpu_processes_see_the_same_data_and_agree_on_the_metrics(tones, tmp_path):
    watch = tmp_path / "watch.py"
    watch.write_text(
        "import json, os, sys\n"
        "from asrx.system import System\n"
        "step = System.training_step\n"
        "def watched(self, batch, batch_idx):\n"
        "    with open(f'{os.environ[\"WATCH\"]}/{self.global_rank}.jsonl', 'a') as file:\n"
        "        file.write(json.dumps([self.current_epoch, batch.index_B.tolist()]) + '\\n')\n"
        "    return step(self, batch, batch_idx)\n"
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

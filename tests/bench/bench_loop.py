"""An epoch of asrx against one of a bare loop over the same batches with the same model, at equal threads.

python tests/bench/bench_loop.py FSDD_FOLDER

Both make features and SpecAugment on the fly, clip gradients and step a schedule; the bare loop has its batches in
memory. They take turns, epoch by epoch, in one process; medians. A quiet machine, please.
"""

from __future__ import annotations

import copy
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import pytorch_lightning as pl
import torch

from asrx.config.check import checked
from asrx.training.run import run
from asrx.training.threads import wait_briefly

EPOCHS = 8
MODELS = {
    "CRNN, CTC": ["augment=specaug", "model.encoder.width=184", "dataset.batch_size=32"],
    "CNN, FSDD": ["experiments=fsdd_logmel"],
}


class Turns(pl.Callback):
    """After each epoch of asrx, one of the bare loop."""

    def __init__(self):
        self.asrx: list[float] = []
        self.bare: list[float] = []

    def on_train_start(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        self.batches = list(trainer.datamodule.loader("train", 0))
        self.pipeline, self.augment = copy.deepcopy(system.pipeline), copy.deepcopy(system.frame_augment)
        self.optimizer = system.optimisation.make_optimizer(self.pipeline.parameters())
        self.schedule = system.optimisation.make_schedule(self.optimizer, EPOCHS * len(self.batches))

    def on_train_epoch_start(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        self.start = time.perf_counter()

    def on_train_batch_end(
        self, trainer: pl.Trainer, system: pl.LightningModule, outputs: object, batch: object, batch_idx: int
    ) -> None:
        if batch_idx + 1 == trainer.num_training_batches:  # validation comes next
            self.asrx.append(time.perf_counter() - self.start)

    def on_train_epoch_end(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        start = time.perf_counter()
        self._epoch()
        self.bare.append(time.perf_counter() - start)

    def _epoch(self) -> None:
        pipeline = self.pipeline.train()
        for batch in self.batches:
            frames_BTF, lengths_B = pipeline.features(*pipeline.clip(batch.wave_BT, batch.lengths_B))
            for augment in self.augment:
                frames_BTF, lengths_B = augment(frames_BTF, lengths_B)
            loss = pipeline.objective.loss(*pipeline.encoder(frames_BTF, lengths_B), batch.targets).mean()
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(pipeline.parameters(), 5.0)
            self.optimizer.step()
            self.schedule.stepped()


def measure(overrides: list[str]) -> Turns:
    turns = Turns()
    cfg = checked([*overrides, f"trainer.max_epochs={EPOCHS}"])
    with tempfile.TemporaryDirectory() as folder:
        run(cfg, Path(folder), overrides, [turns])
    return turns


def main(root: str) -> None:
    rows = []
    for name, overrides in MODELS.items():
        turns = measure([*overrides, *([f"dataset.root={root}"] if "FSDD" in name else [])])
        asrx, bare = (median(seconds[1:]) for seconds in (turns.asrx, turns.bare))
        step = (asrx - bare) / len(turns.batches)
        rows.append(
            f"{name}: {len(turns.batches)} steps; asrx {asrx:.2f} s, bare {bare:.2f} s an epoch: {bare / asrx:.3f} of "
            f"bare, {1000 * step:.2f} ms a step between them"
        )
    print("\n".join(rows))


if __name__ == "__main__":
    wait_briefly()
    main(sys.argv[1])

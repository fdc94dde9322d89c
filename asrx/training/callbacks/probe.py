"""Times the first steps of training, and ends it."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl


class Probed(Exception):
    """Enough steps were timed."""


class Probe(pl.Callback):
    """Estimates the seconds that all epochs would take. It needs a trainer with `num_sanity_val_steps=Probe.steps`.

    Raises:
        Probed: out of `trainer.fit`; then `seconds` is known.
    """

    steps = 4  # of training and of validation; the first of each, which is slower, is not counted

    def __init__(self):
        self.seconds = 0.0
        self.validation: list[float] = []
        self.training: list[float] = []

    def on_validation_batch_start(self, *args: Any) -> None:
        self.validation.append(time.perf_counter())

    def on_validation_batch_end(self, *args: Any) -> None:
        self.validation[-1] = time.perf_counter() - self.validation[-1]

    def on_train_start(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        self.mark = time.perf_counter()

    def on_train_batch_end(self, trainer: pl.Trainer, system: pl.LightningModule, *args: Any) -> None:
        self.training.append(time.perf_counter() - self.mark)
        self.mark = time.perf_counter()
        if len(self.training) == min(self.steps, trainer.num_training_batches):
            data = trainer.datamodule
            rounds = trainer.max_epochs
            validations = rounds // trainer.check_val_every_n_epoch
            self.seconds = rounds * trainer.num_training_batches * _later(self.training)
            self.seconds += validations * len(data.loader("val", None)) * _later(self.validation)
            raise Probed


def _later(seconds: list[float]) -> float:
    """The mean, without the first where there are others."""
    rest = seconds[1:] or seconds
    return sum(rest) / len(rest)

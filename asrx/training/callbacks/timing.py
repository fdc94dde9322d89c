"""Seconds spent waiting for data, in the model, and in validation."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl

from asrx.training.stopwatch import Stopwatch


class Timing(pl.Callback):
    """Sums the parts of training into a stopwatch.

    Args:
        stopwatch: gets `data`, `model` and `validation`; it holds `features` already, which `model` leaves out.
    """

    def __init__(self, stopwatch: Stopwatch):
        self.seconds = stopwatch.seconds

    def state_dict(self) -> dict[str, Any]:
        return dict(self.seconds)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, seconds in state.items():
            self.seconds[name] += seconds

    def on_train_start(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        self.mark = time.perf_counter()  # an epoch that goes on from a checkpoint has no start

    def on_train_epoch_start(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        self.mark = time.perf_counter()

    def on_train_batch_start(self, trainer: pl.Trainer, system: pl.LightningModule, batch: Any, batch_idx: int) -> None:
        now = time.perf_counter()
        self.seconds["data"] += now - self.mark
        self.mark, self.features = now, self.seconds["features"]

    def on_train_batch_end(
        self, trainer: pl.Trainer, system: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        now = time.perf_counter()
        self.seconds["model"] += now - self.mark - (self.seconds["features"] - self.features)
        self.mark = now

    def on_validation_start(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        self.validation = time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        now = time.perf_counter()
        self.seconds["validation"] += now - self.validation
        self.mark = now

"""Ctrl-C and SIGTERM."""

from __future__ import annotations

import signal
from typing import Any

import pytorch_lightning as pl

from asrx.training.callbacks.checkpoints import Checkpoints, can_stop_after


class Interrupted(Exception):
    """Training was asked to stop, and last.ckpt holds where it stopped."""


class Interrupt(pl.Callback):
    """Stops after the batch in hand (or the epoch, where it is the last), with last.ckpt written. A second Ctrl-C
    stops at once.

    Args:
        checkpoints: writes last.ckpt.

    Raises:
        Interrupted: out of `trainer.fit`.
    """

    def __init__(self, checkpoints: Checkpoints):
        self.checkpoints = checkpoints
        self.asked = False

    def on_train_start(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):  # Lightning puts back what was there before it began
            signal.signal(number, self._ask)

    def _ask(self, number: int, _frame: Any) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def on_train_batch_end(
        self, trainer: pl.Trainer, system: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if can_stop_after(trainer, batch_idx) and self._stop(trainer):
            self.checkpoints.save_last(trainer)
            raise Interrupted

    def on_train_epoch_start(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        if trainer.current_epoch and self._stop(trainer):
            raise Interrupted  # last.ckpt was written when the epoch before ended

    def _stop(self, trainer: pl.Trainer) -> bool:
        return trainer.strategy.reduce_boolean_decision(self.asked, all=False)

"""best.ckpt and last.ckpt of a run."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint


class Checkpoints(Checkpoint):
    """Keeps the best and the last state of training; a file is replaced only by a whole one.

    `best.ckpt` is written after a validation that beats all before it. `last.ckpt` is written when an epoch is over,
    and within an epoch whenever `minutes` have passed, so that a killed run loses no more than that.

    Args:
        folder: the run folder.
        monitor, mode: the metric that decides, and whether `min` or `max` is better.
        minutes: most training time between two writes of last.ckpt.
    """

    def __init__(self, folder: Path, monitor: str, mode: str, minutes: float = 5.0):
        self.best_path, self.last_path = folder / "best.ckpt", folder / "last.ckpt"
        self.monitor, self.sign, self.minutes = monitor, 1 if mode == "max" else -1, minutes
        self.best: dict[str, float] | None = None
        self.stopped = False  # whether a callback had ended training when last.ckpt was written
        self.written = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "stopped": self.stopped}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self.stopped = state["best"], state.get("stopped", False)

    def on_train_start(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        trainer.should_stop |= self.stopped  # Lightning forgets it, and would train on

    def on_validation_end(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        value = system.results[self.monitor]
        if self.best is None or self.sign * (value - self.best[self.monitor]) > 0:
            self.best = {"epoch": trainer.current_epoch, self.monitor: value}
            self._write(trainer, self.best_path)

    def on_train_batch_end(
        self, trainer: pl.Trainer, system: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        due = time.monotonic() - self.written > 60 * self.minutes
        if can_stop_after(trainer, batch_idx) and trainer.strategy.reduce_boolean_decision(due, all=False):
            self.save_last(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        self.save_last(trainer)

    def save_last(self, trainer: pl.Trainer) -> None:
        """Write last.ckpt now."""
        self.stopped = trainer.should_stop
        self._write(trainer, self.last_path)
        self.written = time.monotonic()

    def note(self, **facts: float) -> None:
        """Add to what the checkpoints say of the model, once training is over."""
        import torch

        for path in (self.best_path, self.last_path):
            state = torch.load(path, "cpu", weights_only=True)
            _replace(path, state | {"asrx": state["asrx"] | facts})

    def settle(self, weights: dict[str, Any] | None, idle: str) -> None:
        """Give best.ckpt other weights, or leave its own, once training is over, and take from it what a callback knew.

        Args:
            weights: those of the System.
            idle: `state_key` of the callback.
        """
        import torch

        state = torch.load(self.best_path, "cpu", weights_only=True)
        state["callbacks"].pop(idle, None)
        _replace(self.best_path, state | ({"state_dict": weights} if weights else {}))

    def _write(self, trainer: pl.Trainer, path: Path) -> None:
        partial = path.with_suffix(".part")
        trainer.save_checkpoint(partial)
        if trainer.is_global_zero:
            os.replace(partial, path)


def _replace(path: Path, state: dict[str, Any]) -> None:
    import torch

    torch.save(state, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)


def can_stop_after(trainer: pl.Trainer, batch_idx: int) -> bool:
    """Whether a checkpoint written after this batch is a place to go on from: no gradients are waiting for more
    batches, and the epoch is not at its end (Lightning would leave out its validation)."""
    done = batch_idx + 1
    return done % trainer.accumulate_grad_batches == 0 and done < trainer.num_training_batches

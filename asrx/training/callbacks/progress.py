"""The progress bar of training."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import TQDMProgressBar


class Progress(TQDMProgressBar):
    """Lightning's bar with the loss, the monitored metric and the speed (padded seconds of speech for each second).

    Args:
        monitor: the validation metric to show.
        sample_rate: of the waveforms, in Hz.
    """

    def __init__(self, monitor: str, sample_rate: int):
        super().__init__(refresh_rate=5)
        self.monitor, self.sample_rate = monitor, sample_rate
        self.loss = self.speech = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, *args: Any) -> None:
        super().on_train_epoch_start(trainer, *args)
        self.start, self.speech = time.perf_counter(), 0.0

    def on_train_batch_end(
        self, trainer: pl.Trainer, system: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.speech += (
            batch.wave_BT.numel() / self.sample_rate
        )  # the lengths may be on a GPU, and reading them would wait for it
        self.loss = outputs["loss"]
        super().on_train_batch_end(trainer, system, outputs, batch, batch_idx)

    def get_metrics(self, trainer: pl.Trainer, system: pl.LightningModule) -> dict[str, int | str | float]:
        speed = self.speech / max(time.perf_counter() - getattr(self, "start", 0.0), 1e-9)
        shown: dict[str, int | str | float] = {"loss": f"{float(self.loss):.3f}", "speed": f"{speed:.0f}x"}
        if self.monitor in trainer.callback_metrics:
            shown[self.monitor] = f"{float(trainer.callback_metrics[self.monitor]):.4f}"
        return shown

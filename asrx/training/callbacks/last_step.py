"""The end of training by trainer.max_steps."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl


class LastStep(pl.Callback):
    """Lets Lightning validate where trainer.max_steps ends training within an epoch, as it does where an epoch or
    trainer.max_time does."""

    def on_train_batch_end(
        self, trainer: pl.Trainer, system: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        trainer.should_stop |= trainer.global_step == trainer.max_steps

"""metrics.csv: one row for each epoch."""

from __future__ import annotations

import csv
import os
import time
from itertools import accumulate
from math import inf, isfinite
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from asrx.types import UserError


class History(pl.Callback):
    """Writes the epoch's metrics to metrics.csv; the rows travel in the checkpoint, so a resumed run has them all.

    Args:
        folder: the run folder.

    Raises:
        UserError: out of `trainer.fit`, when the loss of an epoch is not finite.
    """

    def __init__(self, folder: Path):
        self.path = folder / "metrics.csv"
        self.rows: list[dict[str, float]] = []
        self.start = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "seconds": time.monotonic() - self.start}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rows = state["rows"]
        self.start = time.monotonic() - state["seconds"]

    def on_train_epoch_end(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        row = {"epoch": trainer.current_epoch, "step": trainer.global_step, "seconds": time.monotonic() - self.start}
        row["lr"] = trainer.optimizers[0].param_groups[0]["lr"]
        loss = system.mean_train_loss()
        if not isfinite(loss):
            raise UserError(
                f"Training diverged: the mean loss of epoch {trainer.current_epoch} is {loss}. Lower optimizer.lr; "
                f"{self.path.parent} keeps what was reached before."
            )
        self.rows.append(row | {"train/loss": loss} | system.results)
        if trainer.is_global_zero:
            names = list(dict.fromkeys(name for row in self.rows for name in row))
            partial = self.path.with_suffix(".part")
            with open(partial, "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, names)
                writer.writeheader()
                writer.writerows(self.rows)
            os.replace(partial, self.path)


def read_curve(folder: Path, metric: str, sign: int) -> list[float]:
    """The best of a metric so far, epoch by epoch, times `sign`; -inf before its first number.

    Empty where the folder has no metrics.csv yet.
    """
    if not (folder / "metrics.csv").exists():
        return []
    with open(folder / "metrics.csv", newline="", encoding="utf-8") as file:
        cells = [row.get(metric) for row in csv.DictReader(file)]
    return list(accumulate([sign * float(cell) if cell else -inf for cell in cells], max))

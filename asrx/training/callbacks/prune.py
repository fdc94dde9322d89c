"""Ends a trial of a sweep that does badly beside the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytorch_lightning as pl

from asrx.training.callbacks.history import read_curve


class Pruned(Exception):
    """Training was ended by a rule of asrx.search.prune; the text says why."""


class Prune(pl.Callback):
    """Asks a rule after every epoch. It must come after History, whose metrics.csv it reads.

    Args:
        rule: (own curve, curves of the others) -> why training should end, or None; see asrx.search.prune.
        metric, mode: the validation metric that is searched for, and whether `min` or `max` is better.
        folder: of this run.
        others: gives the run folders to compare with, those of the same fold and seed.

    Raises:
        Pruned: out of `trainer.fit`.
    """

    def __init__(
        self,
        rule: Callable[[list[float], list[list[float]]], str | None],
        metric: str,
        mode: str,
        folder: Path,
        others: Callable[[], Iterable[Path]],
    ):
        self.rule, self.metric, self.sign = rule, metric, 1 if mode == "max" else -1
        self.folder, self.others = folder, others

    def on_train_epoch_end(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        own, *others = (read_curve(folder, self.metric, self.sign) for folder in [self.folder, *self.others()])
        reason = self.rule(own, others)
        if reason:
            raise Pruned(reason)

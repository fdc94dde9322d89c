"""Parts of a model that stay as they are while the others begin to learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
from torch import nn

from asrx.types import UserError


class Freeze(pl.Callback):
    """Train without some parts of the model for the first steps, as when a pretrained encoder gets a new output layer.
    Their batch normalisation stays as it is, too.

    Args:
        parts: modules of the pipeline, such as `encoder` or `encoder.convs`.
        steps: optimizer steps; a resumed run counts those before it.

    Raises:
        UserError: the model has no such part.
    """

    def __init__(self, parts: Sequence[str], steps: int):
        self.parts, self.steps = tuple(parts), steps

    def on_train_start(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        for part in self._modules(system):
            part.requires_grad_(trainer.global_step >= self.steps)

    def on_train_batch_start(self, trainer: pl.Trainer, system: pl.LightningModule, batch: Any, batch_idx: int) -> None:
        if trainer.global_step < self.steps:
            for part in self._modules(system):
                part.eval()
        elif trainer.global_step == self.steps:
            for part in self._modules(system):
                part.requires_grad_(True).train()

    def _modules(self, system: pl.LightningModule) -> list[nn.Module]:
        modules = dict(system.pipeline.named_modules())
        if missing := next((part for part in self.parts if part not in modules), None):
            known = ", ".join(name for name in modules if name.count(".") < 2 and name)
            raise UserError(f"trainer.callbacks: Freeze finds no part {missing} in the model; it has {known}.")
        return [modules[part] for part in self.parts]

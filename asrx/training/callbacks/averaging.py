"""Weights that are averaged while they are trained, and validated, tested and kept as an average."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import WeightAveraging
from torch.optim.swa_utils import get_ema_multi_avg_fn

from asrx.types import UserError


class ExponentialAverage(WeightAveraging):
    """After each step, `decay` of the average so far and the rest of the step's weights (Polyak & Juditsky 1992; as in
    https://arxiv.org/abs/1703.01780). Statistics of batch normalisation are averaged alike.

    Args:
        decay: from 0 to below 1.

    Raises:
        UserError: it is not.
    """

    def __init__(self, decay: float = 0.998):
        if not 0 <= decay < 1:
            raise UserError(f"optimizer.average.decay={decay} should be a number from 0 to below 1, such as 0.998.")
        super().__init__(multi_avg_fn=get_ema_multi_avg_fn(decay))


class LastEpochs(WeightAveraging):
    """The mean of the weights at the end of each of the last epochs, as recipes average their last checkpoints
    (https://arxiv.org/abs/1803.05407). Before those, the weights of the latest epoch.

    Args:
        epochs: how many.

    Raises:
        UserError: it is no whole number from 1, or training has no last epoch.
    """

    def __init__(self, epochs: int = 10):
        if not isinstance(epochs, int) or epochs < 1:
            raise UserError(f"optimizer.average.epochs={epochs} should be a whole number from 1.")
        super().__init__()
        self.epochs = epochs

    def setup(self, trainer: pl.Trainer, system: pl.LightningModule, stage: str) -> None:
        if trainer.max_epochs in (None, -1):
            raise UserError("optimizer/average=last_epochs needs to know the last one: give trainer.max_epochs.")
        super().setup(trainer, system, stage)

    def on_train_batch_end(
        self, trainer: pl.Trainer, system: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx + 1 < trainer.num_training_batches:
            return
        if trainer.current_epoch <= trainer.max_epochs - self.epochs:
            self._average_model.n_averaged.zero_()  # the first of the mean, which is a copy
        self._average_model.update_parameters(system)


class Kept(NamedTuple):
    """A value of the monitored metric, the epoch that ended with it, and all tensors of the System."""

    value: float
    epoch: int
    state: dict[str, torch.Tensor]


class BestEpochs(pl.Callback):
    """Keeps the weights of the best validations, whose mean is validated when training is over, and tested where it is
    no worse than the best of them alone (as ESPnet and WeNet average their best checkpoints). Of equal ones the later
    stays.

    They are in the checkpoints: these grow by so many copies of the weights until training is over.

    Args:
        monitor, mode: the metric that decides, and whether `min` or `max` is better.
        epochs: how many.

    Raises:
        UserError: it is no whole number from 1.
    """

    def __init__(self, monitor: str, mode: str, epochs: int = 10):
        if not isinstance(epochs, int) or epochs < 1:
            raise UserError(f"optimizer.average.epochs={epochs} should be a whole number from 1.")
        self.monitor, self.sign, self.epochs = monitor, 1 if mode == "max" else -1, epochs
        self.kept: list[Kept] = []

    def state_dict(self) -> dict[str, Any]:
        return {"kept": [kept._asdict() for kept in self.kept]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.kept = [Kept(**kept) for kept in state["kept"]]

    def on_validation_end(self, trainer: pl.Trainer, system: pl.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        value = system.results[self.monitor]
        state = {name: tensor.detach().cpu().clone() for name, tensor in system.state_dict().items()}
        self.kept = [Kept(value, trainer.current_epoch, state), *self.kept]  # sorting keeps the order of equal ones
        self.kept = sorted(self.kept, key=lambda kept: -self.sign * kept.value)[: self.epochs]

    def mean(self) -> dict[str, torch.Tensor]:
        """The mean of what is kept; of what is counted in whole numbers, the best one's."""
        best = self.kept[0].state
        return {
            name: torch.stack([kept.state[name] for kept in self.kept]).mean(0)
            if tensor.is_floating_point()
            else tensor
            for name, tensor in best.items()
        }

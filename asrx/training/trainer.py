"""Lightning's Trainer, by the config."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.callbacks import Timer

from asrx.config.build import build
from asrx.types import UserError

# arguments that leave nothing of a run where they are 0
NEEDED = (
    *("max_epochs", "max_steps", "limit_train_batches", "limit_val_batches", "limit_test_batches"),
    *("val_check_interval", "check_val_every_n_epoch"),
)


def make_trainer(cfg: DictConfig, folder: Path, loggers: Sequence[Any], callbacks: Sequence[Callback]) -> Trainer:
    """The Trainer of a run.

    Args:
        cfg: the composed config.
        folder: of the run.
        loggers, callbacks: its parts that the config does not say alone.

    Raises:
        UserError: Lightning or asrx cannot do what the config asks for.
    """
    accelerator = _accelerator(cfg.trainer)
    chosen = {"accelerator": accelerator, "precision": _precision(cfg.trainer, accelerator)}
    settings = OmegaConf.to_container(cfg.trainer, resolve=True)
    check_trainer(settings, chosen["precision"])
    del settings["callbacks"]
    return build(
        settings | chosen,
        Trainer,
        logger=loggers,
        callbacks=callbacks,
        default_root_dir=folder,
        use_distributed_sampler=False,
    )


def check_trainer(settings: dict[str, Any], precision: str) -> None:
    """Refuse what Lightning offers and asrx cannot do, or what it would stumble over.

    Args:
        settings: the Trainer's arguments.
        precision: that is chosen.

    Raises:
        UserError: as it says.
    """
    if none := next((name for name in NEEDED if settings.get(name, 1) == 0), None):
        raise UserError(f"trainer.{none}=0 leaves out the training, the validation or the test of a run: give more.")
    for name, least in (("accumulate_grad_batches", 1), ("gradient_clip_val", 0)):
        if (value := settings.get(name)) is not None and value < least:
            raise UserError(f"trainer.{name}={value} should be a number from {least}.")
    epochs, every = settings.get("max_epochs") or -1, settings.get("check_val_every_n_epoch") or 1
    if 0 < epochs < every:
        raise UserError(
            f"trainer.check_val_every_n_epoch={every} validates after the last of trainer.max_epochs={epochs}, and "
            "validation chooses the checkpoint to test: lower it."
        )
    if settings.get("overfit_batches"):
        raise UserError(
            "trainer.overfit_batches takes the sampler away that makes batches: to overfit, give a few utterances as "
            "dataset.train, dataset.val and dataset.test, with dataset.shared=allow."
        )
    if precision in ("bf16-true", "16-true", "64-true", "64"):
        raise UserError(
            f"trainer.precision={precision}: weights, features and losses have 32 bits here: choose 32-true, "
            "bf16-mixed or 16-mixed."
        )
    if (longest := settings.get("max_time")) is not None:
        try:
            Timer(longest)
        except Exception as error:
            raise UserError(
                f"trainer.max_time={longest} is no duration: write it as DD:HH:MM:SS or {{minutes: 30}}."
            ) from error


def _accelerator(trainer: DictConfig) -> str:
    """`auto` is a CUDA GPU or the CPU; Apple's GPUs lack the float64 that sums are kept in."""
    return trainer.accelerator if trainer.accelerator != "auto" else "gpu" if torch.cuda.is_available() else "cpu"


def _precision(trainer: DictConfig, accelerator: str) -> str:
    """`auto` is the fastest mixed precision the device has."""
    if trainer.precision != "auto":
        return trainer.precision
    if accelerator == "cpu" or not torch.cuda.is_available():
        return "32-true"
    return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"

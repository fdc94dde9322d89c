"""Learning-rate schedules, in the form Lightning takes.

Each is a function of the optimizer, the number of steps in the whole run, and the validation metric with its direction.
"""

from __future__ import annotations

from typing import Any

from torch.optim import Optimizer, lr_scheduler


def constant(optimizer: Optimizer, total_steps: int, monitor: str, mode: str) -> dict[str, Any]:
    """The learning rate of the optimizer throughout."""
    return _every_step(lr_scheduler.ConstantLR(optimizer, factor=1.0))


def cosine(optimizer: Optimizer, total_steps: int, monitor: str, mode: str, warmup: float = 0.05) -> dict[str, Any]:
    """Linear warm-up over a share of the steps, then half a cosine to zero (https://arxiv.org/abs/1608.03983)."""
    rise = max(1, round(warmup * total_steps))
    up = lr_scheduler.LinearLR(optimizer, start_factor=1 / (rise + 1), total_iters=rise)
    down = lr_scheduler.CosineAnnealingLR(optimizer, max(1, total_steps - rise))
    return _every_step(lr_scheduler.SequentialLR(optimizer, [up, down], [rise]))


def one_cycle(optimizer: Optimizer, total_steps: int, monitor: str, mode: str, warmup: float = 0.2) -> dict[str, Any]:
    """Up to the optimizer's learning rate and down again (https://arxiv.org/abs/1708.07120)."""
    highest = [group["lr"] for group in optimizer.param_groups]
    return _every_step(lr_scheduler.OneCycleLR(optimizer, highest, total_steps=max(2, total_steps), pct_start=warmup))


def plateau(
    optimizer: Optimizer, total_steps: int, monitor: str, mode: str, factor: float = 0.5, patience: int = 3
) -> dict[str, Any]:
    """Multiply by `factor` after `patience` validations without a better metric."""
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, mode, factor, patience)
    return {"scheduler": scheduler, "interval": "epoch", "monitor": monitor}


def _every_step(scheduler: lr_scheduler.LRScheduler) -> dict[str, Any]:
    return {"scheduler": scheduler, "interval": "step"}

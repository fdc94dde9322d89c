"""Learning-rate schedules.

Each is a function of the optimizer, the number of optimizer steps in the whole run (None where it has no end), and the
direction of the validation metric. The System steps them itself: Lightning leaves out schedules of a whole epoch in the
epoch that a resumed run goes on with.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch.optim import Optimizer, lr_scheduler

from asrx.types import UserError


class Schedule:
    """A torch scheduler that is stepped after every optimizer step."""

    def __init__(self, scheduler: Any):
        self.scheduler = scheduler

    def stepped(self) -> None:
        """The optimizer made a step."""
        self.scheduler.step()

    def validated(self, metric: float) -> None:
        """A validation ended with this value of the monitored metric."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return self.scheduler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.scheduler.load_state_dict(state)


class ValidationSchedule(Schedule):
    """A torch scheduler that looks at the validation metric instead."""

    def stepped(self) -> None:
        """Steps do not count."""

    def validated(self, metric: float) -> None:
        self.scheduler.step(metric)


def constant(optimizer: Optimizer, total_steps: int | None, mode: str) -> Schedule:
    """The learning rate of the optimizer throughout."""
    return Schedule(lr_scheduler.ConstantLR(optimizer, factor=1.0))


def cosine(optimizer: Optimizer, total_steps: int | None, mode: str, warmup: float = 0.05) -> Schedule:
    """Linear warm-up over a share of the steps, then half a cosine to zero (https://arxiv.org/abs/1608.03983)."""
    down = partial(lr_scheduler.CosineAnnealingLR, optimizer)
    return _warmed_up(optimizer, _known(total_steps, "cosine"), warmup, down)


def linear(optimizer: Optimizer, total_steps: int | None, mode: str, warmup: float = 0.1) -> Schedule:
    """Linear warm-up over a share of the steps, then a straight line to zero."""
    down = partial(lr_scheduler.LinearLR, optimizer, 1.0, 0.0)
    return _warmed_up(optimizer, _known(total_steps, "linear"), warmup, down)


def noam(optimizer: Optimizer, total_steps: int | None, mode: str, warmup_steps: int = 2000) -> Schedule:
    """Linear warm-up to the optimizer's learning rate, then down with the square root of the step
    (https://arxiv.org/abs/1706.03762, with the rate at the peak instead of a factor); it needs no end."""
    if not isinstance(warmup_steps, int) or warmup_steps < 1:
        raise UserError(f"optimizer.schedule.warmup_steps={warmup_steps} should be a whole number from 1.")

    def factor(step: int) -> float:
        return min((step + 1) / warmup_steps, (warmup_steps / (step + 1)) ** 0.5)

    return Schedule(lr_scheduler.LambdaLR(optimizer, factor))


def one_cycle(optimizer: Optimizer, total_steps: int | None, mode: str, warmup: float = 0.2) -> Schedule:
    """Up to the optimizer's learning rate and down again (https://arxiv.org/abs/1708.07120)."""
    total_steps = _known(total_steps, "one_cycle")
    highest = [group["lr"] for group in optimizer.param_groups]
    # torch's scheduler takes its first step when it is made, and divides by zero where the way up is one whole step
    return Schedule(lr_scheduler.OneCycleLR(optimizer, highest, total_steps=total_steps + 1, pct_start=warmup + 1e-9))


def plateau(
    optimizer: Optimizer, total_steps: int | None, mode: str, factor: float = 0.5, patience: int = 3
) -> Schedule:
    """Multiply by `factor` after `patience` validations without a better metric."""
    return ValidationSchedule(lr_scheduler.ReduceLROnPlateau(optimizer, mode, factor, patience))


def _warmed_up(optimizer: Optimizer, total_steps: int, warmup: float, down: Callable[[int], Any]) -> Schedule:
    """Linear warm-up over a share of the steps, then what `down` makes of the number of those that are left."""
    rise = max(1, round(warmup * total_steps))
    up = lr_scheduler.LinearLR(optimizer, start_factor=1 / (rise + 1), total_iters=rise)
    return Schedule(lr_scheduler.SequentialLR(optimizer, [up, down(max(1, total_steps - rise))], [rise]))


def _known(total_steps: int | None, name: str) -> int:
    if total_steps is None:
        raise UserError(
            f"optimizer/schedule={name} is spread over all steps, and trainer.max_epochs=-1 has no end: choose "
            "optimizer/schedule=plateau or none."
        )
    return total_steps

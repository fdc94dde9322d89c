"""The validation metric that a run goes by."""

from __future__ import annotations

from omegaconf import DictConfig, OmegaConf

from asrx.types import UserError


def monitored(cfg: DictConfig, objective) -> tuple[str, str]:
    """The validation metric that decides which checkpoint is best, and whether `min` or `max` is better.

    Args:
        cfg: the composed config.
        objective: the objective or its class.

    Raises:
        UserError: the objective has no such metric, or none that a callback monitors.
    """
    monitor = cfg.monitor or objective.monitor
    modes = {"val/loss": "min"} | {f"val/{name}": mode for name, mode in objective.modes.items()}
    if monitor not in modes:
        raise UserError(f"monitor={monitor} is none of {', '.join(modes)}.")
    for i, node in enumerate(cfg.trainer.callbacks):
        if OmegaConf.is_dict(node) and node.get("monitor") not in (None, *modes, "train/loss"):
            raise UserError(f"trainer.callbacks.{i}.monitor={node.monitor} is none of {', '.join(modes)}, train/loss.")
    return monitor, modes[monitor]

"""Which of the processes of trainer=ddp this is, as the environment says."""

from __future__ import annotations

import os

from omegaconf import DictConfig

from asrx.types import UserError

# 0 in the process that writes and prints; set by Lightning, torchrun and SLURM
RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")


def is_first() -> bool:
    """Whether this is the first of the processes, the one that writes and prints."""
    return all(os.environ.get(name, "0") == "0" for name in RANKS)


def forget_ranks() -> None:
    """Be the first: what another program left in the environment would keep a process that is alone from writing."""
    os.environ |= {name: "0" for name in RANKS if name in os.environ}


def take_ranks(cfg: DictConfig) -> None:
    """Keep what the environment says where a run has several processes.

    Args:
        cfg: of the run.

    Raises:
        UserError: it is no number.
    """
    trainer = cfg.get("trainer") or {}
    several = "ddp" in str(trainer.get("strategy")) or any(
        str(trainer.get(name, 1)) != "1" for name in ("devices", "num_nodes")
    )
    if not several:
        forget_ranks()
    for name in RANKS:
        if not os.environ.get(name, "0").isdecimal():
            raise UserError(f"{name}={os.environ[name]} in the environment should be a whole number: unset it.")

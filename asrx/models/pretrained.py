"""Beginning with what another run has learned."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from asrx.checkpoint import read_checkpoint
from asrx.types import UserError

PREFIX = "pipeline.encoder."  # of the encoder's weights in a checkpoint


def load(module: nn.ModuleList, checkpoint: str) -> None:
    """Give the encoder the weights of another run's, in place; the objective begins anew.

    Args:
        module: encoder and objective.
        checkpoint: best.ckpt or last.ckpt of the other run, whose encoder and features must be of the same shape.

    Raises:
        UserError: there is no such checkpoint, or its encoder is another one.
    """
    try:
        state = read_checkpoint(Path(checkpoint).expanduser())["state_dict"]
    except UserError as error:
        raise UserError(f"model.init.checkpoint={error}") from error
    weights = {name.removeprefix(PREFIX): value for name, value in state.items() if name.startswith(PREFIX)}
    try:
        module[0].load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(
            f"model.init.checkpoint={checkpoint} holds another encoder: give model.encoder and features the settings "
            "of its run."
        ) from error

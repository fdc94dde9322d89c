"""Beginning with what another run has learned."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from asrx.types import UserError

PREFIX = "pipeline.encoder."  # of the encoder's weights in a checkpoint


def load(module: nn.ModuleList, checkpoint: str) -> None:
    """Give the encoder the weights of another run's, in place; the objective begins anew.

    Args:
        module: encoder and objective.
        checkpoint: best.ckpt or last.ckpt of the other run, whose encoder and features must be of the same shape.

    Raises:
        UserError: there is no such file, or its encoder is another one.
    """
    path = Path(checkpoint).expanduser()
    if not path.is_file():
        raise UserError(f"model.init.checkpoint={checkpoint}: there is no such file; name the best.ckpt of a run.")
    state = torch.load(path, "cpu", weights_only=True)["state_dict"]
    weights = {name.removeprefix(PREFIX): value for name, value in state.items() if name.startswith(PREFIX)}
    try:
        module[0].load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(
            f"model.init.checkpoint={checkpoint} holds another encoder: give model.encoder and features the settings "
            "of its run."
        ) from error

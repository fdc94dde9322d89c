"""Beginning with what another run has learned."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from asrx.checkpoint import read_checkpoint
from asrx.types import UserError

PREFIX = "pipeline.encoder."  # of the encoder's weights in a checkpoint


def load(module: nn.ModuleList, checkpoint: str, partly: bool = False) -> None:
    """Give the encoder the weights of another run's, in place; the objective begins anew.

    Args:
        module: encoder and objective.
        checkpoint: best.ckpt or last.ckpt of the other run, whose encoder and features must be of the same shape.
        partly: take only the weights of the same name and shape, and print which began anew.

    Raises:
        UserError: there is no such checkpoint, or its encoder is another one, or has nothing that fits.
    """
    try:
        state = read_checkpoint(Path(checkpoint).expanduser())["state_dict"]
    except UserError as error:
        raise UserError(f"model.init.checkpoint={error}") from error
    weights = {name.removeprefix(PREFIX): value for name, value in state.items() if name.startswith(PREFIX)}
    own = module[0].state_dict()
    fitting = {name: value for name, value in weights.items() if name in own and value.shape == own[name].shape}
    if partly and fitting:
        print(_told(own, fitting, checkpoint))
        weights = own | fitting
    try:
        module[0].load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(
            f"model.init.checkpoint={checkpoint} holds another encoder: give model.encoder and features the settings "
            "of its run."
        ) from error


def _told(own: dict[str, Tensor], fitting: dict[str, Tensor], checkpoint: str) -> str:
    anew = [name for name in own if name not in fitting]
    count = f"{len(fitting)} of the encoder's {len(own)} tensors are those of {checkpoint}"
    return f"{count}; begun anew: {', '.join(anew)}." if anew else f"{count}."

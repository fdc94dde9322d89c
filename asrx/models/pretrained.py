"""Beginning with what another run has learned."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from asrx.checkpoint import read_checkpoint
from asrx.types import UserError
from asrx.vocabularies.base import Vocabulary

PARTS = ("encoder", "objective")


def load(module: nn.ModuleList, checkpoint: str, partly: bool = False) -> None:
    """Give the encoder the weights of another run's, in place; the objective begins anew.

    Args:
        module: encoder and objective.
        checkpoint: best.ckpt or last.ckpt of the other run, whose encoder and features must be of the same shape.
        partly: take only the weights of the same name and shape, and print which began anew.

    Raises:
        UserError: there is no such checkpoint, or its encoder is another one, or has nothing that fits.
    """
    others = weights(checkpoint)
    if partly:
        own = {f"{PARTS[0]}.{name}": value for name, value in module[0].state_dict().items()}
        fitting = {name for name in own.keys() & others.keys() if own[name].shape == others[name].shape}
        if fitting:
            print(_told(list(own), fitting, checkpoint))
            others = own | {name: others[name] for name in fitting}
    give(module[:1], others, checkpoint)


def _told(own: list[str], fitting: set[str], checkpoint: str) -> str:
    anew = [name for name in own if name not in fitting]
    count = f"{len(fitting)} of the encoder's {len(own)} tensors are those of {checkpoint}"
    return f"{count}; begun anew: {', '.join(anew)}." if anew else f"{count}."


def weights(checkpoint: str) -> dict[str, torch.Tensor]:
    """Of a checkpoint's encoder and objective, by names such as `encoder.project.weight`.

    Raises:
        UserError: there is no such checkpoint.
    """
    try:
        state = read_checkpoint(Path(checkpoint).expanduser())["state_dict"]
    except UserError as error:
        raise UserError(f"model.init.checkpoint={error}") from error
    prefix = "pipeline."
    named = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    return {name: value for name, value in named.items() if name.partition(".")[0] in PARTS}


def give(module: nn.ModuleList, weights: dict[str, torch.Tensor], checkpoint: str) -> None:
    """Put weights in their places.

    Args:
        module: the encoder, or encoder and objective.
        weights, checkpoint: see `weights`.

    Raises:
        UserError: they belong elsewhere.
    """
    for part, network in zip(PARTS, module, strict=False):
        if vocabulary := getattr(network, "vocabulary", None):
            _check_vocabulary(vocabulary, checkpoint)
        own = {name.removeprefix(f"{part}."): value for name, value in weights.items() if name.startswith(f"{part}.")}
        try:
            network.load_state_dict(own)
        except RuntimeError as error:
            raise UserError(
                f"model.init.checkpoint={checkpoint} holds another {part}: give model.{part}, features and the data "
                "the settings of its run."
            ) from error


def _check_vocabulary(vocabulary: Vocabulary, checkpoint: str) -> None:
    """Refuse outputs that mean something else."""
    card = read_checkpoint(Path(checkpoint).expanduser())["asrx"]
    if card["labels"] != vocabulary.labels or card.get("vocabulary") not in (None, vocabulary.node()):
        raise UserError(
            f"model.init.checkpoint={checkpoint} is of another vocabulary: the {len(card['labels'])} labels that it "
            f"writes are not the {len(vocabulary.labels)} {vocabulary.unit} of this run: begin with a run of the same."
        )

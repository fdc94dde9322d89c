"""How fast the parts of a model learn, beside each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

from asrx.types import UserError


class Groups(list[dict[str, Any]]):
    """Groups of parameters, as torch's optimizers take them. The first one's learning rate is what is logged."""


def one_group(named: Iterable[tuple[str, nn.Parameter]]) -> Groups:
    """All parameters at the optimizer's learning rate."""
    return Groups([{"params": [parameter for _, parameter in named]}])


def layerwise(named: Iterable[tuple[str, nn.Parameter]], lr: float, decay: float = 0.9) -> Groups:
    """The objective at the optimizer's learning rate, the encoder's last layer at `decay` of it, the one before at
    `decay` of that, and so on (ULMFiT, https://arxiv.org/abs/1801.06146): what was learnt first, as by another run
    (`model.init`), changes least. Schedules scale all of them alike.

    A layer is a module of the encoder, or of a list of modules in it, in the order in which they are made.

    Args:
        named: parameters by their names in the System.
        lr: of the optimizer.
        decay: above 0, to 1.

    Raises:
        UserError: it is not.
    """
    if not 0 < decay <= 1:
        raise UserError(f"optimizer.rates.decay={decay} should be a number above 0, to 1.")
    layers: dict[str, list[nn.Parameter]] = {"": []}  # without a name, the objective
    for name, parameter in named:
        layers.setdefault(_layer(name), []).append(parameter)
    top, *others = layers.values()
    return Groups({"params": group, "lr": lr * decay**i} for i, group in enumerate([top, *reversed(others)]))


def _layer(name: str) -> str:
    """The layer of the encoder that a parameter is of; empty for one of the objective."""
    _, part, *path = name.split(".")
    if part != "encoder":
        return ""
    number = next((i for i, step in enumerate(path) if step.isdecimal()), 0)
    return ".".join(path[: number + 1])

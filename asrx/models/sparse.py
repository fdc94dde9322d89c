"""Beginning with the weights of another run that matter most, the others zero."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils import prune

from asrx.models.pretrained import give, weights
from asrx.types import UserError


def load(module: nn.ModuleList, checkpoint: str, amount: float) -> None:
    """Give encoder and objective the weights of another run, in place, and let the smallest be zero for good.

    Magnitude pruning (Han et al. 2015, https://arxiv.org/abs/1506.02626) of each matrix and kernel by itself: over all
    together, a wide layer, whose weights are small, would lose every one. Biases and normalisations stay. No gradient
    reaches a weight of zero, so momentum and decay leave it there too.

    Args:
        module: encoder and objective.
        checkpoint: best.ckpt or last.ckpt of the other run, of the same shape.
        amount: share of the weights that become zero, between 0 and 1.

    Raises:
        UserError: there is no such checkpoint, it belongs to another model, or `amount` is no share.
    """
    if not 0 < amount < 1:
        raise UserError(f"model.init.amount={amount} should be a share of the weights, between 0 and 1.")
    give(module, weights(checkpoint), checkpoint)
    for kernel in (parameter for parameter in module.parameters() if parameter.dim() > 1):
        kernel.data = prune.L1Unstructured(amount).prune(kernel.data)
        kernel.register_hook(lambda gradient, kernel=kernel: torch.where(kernel == 0, 0, gradient))

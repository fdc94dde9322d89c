"""What a forward pass costs."""

from __future__ import annotations

import torch
from torch import nn

from asrx.models.attention import SelfAttention

LAYERS = nn.Linear | nn.Conv1d | nn.Conv2d | nn.LSTM | nn.MultiheadAttention | SelfAttention


@torch.no_grad()
def multiply_adds(module: nn.Module, *inputs: torch.Tensor) -> int:
    """Multiply-adds of one forward pass of `module(*inputs)`, over the whole batch and its padding.

    Convolutions, dense layers, LSTMs and attention count. Biases, gates, activations, normalisation and pooling are
    left out, as usual.
    """
    total = 0

    def add(layer, given, out):
        nonlocal total
        total += _multiply_adds(layer, given, out)

    hooks = [layer.register_forward_hook(add) for layer in module.modules() if isinstance(layer, LAYERS)]
    training = module.training
    try:
        module.eval()(*inputs)  # batch normalisation learns nothing from it
    finally:
        module.train(training)
        for hook in hooks:
            hook.remove()
    return total


def _multiply_adds(layer: nn.Module, given: tuple, out: torch.Tensor) -> int:
    if isinstance(layer, nn.LSTM):  # every step uses every weight once
        steps = given[0].numel() // layer.input_size
        return steps * sum(p.numel() for name, p in layer.named_parameters() if name.startswith("weight"))
    if isinstance(layer, nn.MultiheadAttention):
        query, key, value = given[:3]
        projections = (2 * query.numel() + key.numel() + value.numel()) * layer.embed_dim  # the output's is the second
        return projections + 2 * query.numel() * key.shape[1 if layer.batch_first else 0]  # scores and weighted sum
    if isinstance(layer, SelfAttention):  # its projections are layers themselves
        return 2 * given[0].numel() * given[0].shape[1]
    return out.numel() * layer.weight[0].numel()

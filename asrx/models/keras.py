"""Keras's initial weights and its way of counting, to repeat what was published with it (https://keras.io/api/layers)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import nn

from asrx.types import UserError


def initialise(module: nn.Module, kernels: Mapping[str, str] | None = None) -> None:
    """Give a network the weights and settings that Keras's layers begin with, in place.

    Convolutions and dense layers: Glorot-uniform kernels, zero biases. LSTM: Glorot-uniform input kernel, orthogonal
    recurrent kernel, a bias of one at the forget gate and zero elsewhere; the second bias, which Keras does not have,
    stays zero. Batch normalisation: momentum 0.01 (Keras's 0.99) and epsilon 0.001. What else there is keeps PyTorch's.

    Args:
        module: the network.
        kernels: dense layers and convolutions that begin otherwise, by the last part of their names: `he_normal`,
            `glorot_normal` or `glorot_uniform`, such as {hidden: he_normal, head: glorot_normal} in document 004.

    Raises:
        UserError: a layer that the network does not have, or an unknown kernel.
    """
    kernels = dict(kernels or {})
    layers = {name.rpartition(".")[2] for name, _ in module.named_modules()}
    for name, kernel in kernels.items():
        if name not in layers:
            raise UserError(f"model.init.kernels.{name}: the model has no layer of that name.")
        if kernel not in KERNELS:
            raise UserError(f"model.init.kernels.{name}={kernel} is none of {', '.join(KERNELS)}.")
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            KERNELS[kernels.get(name.rpartition(".")[2], "glorot_uniform")](layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.LSTM):
            _initialise_lstm(layer)
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.momentum, layer.eps = 0.01, 1e-3


def count(module: nn.Module) -> int:
    """Number of parameters as Keras counts them: moving means and variances are among them, an LSTM has one bias."""
    trained = (p.numel() for name, p in module.named_parameters() if "bias_hh" not in name)
    moving = (b.numel() for name, b in module.named_buffers() if name.endswith(("running_mean", "running_var")))
    return sum(trained) + sum(moving)


@torch.no_grad()
def _initialise_lstm(lstm: nn.LSTM) -> None:
    for name, parameter in lstm.named_parameters():
        if name.startswith("weight_ih"):
            nn.init.xavier_uniform_(parameter)
        elif name.startswith("weight_hh"):
            nn.init.orthogonal_(parameter)
        else:
            parameter.zero_()
        if name.startswith("bias_ih"):
            parameter[lstm.hidden_size : 2 * lstm.hidden_size] = 1  # the gates are input, forget, cell, output
        elif name.startswith("bias_hh"):
            parameter.requires_grad = False


def _glorot_normal(kernel: torch.Tensor) -> None:
    _truncated_normal(kernel, 2 / (kernel[0].numel() + kernel[:, 0].numel()))


def _he_normal(kernel: torch.Tensor) -> None:
    _truncated_normal(kernel, 2 / kernel[0].numel())


def _truncated_normal(kernel: torch.Tensor, variance: float) -> None:
    std = math.sqrt(variance) / 0.87962566103423978  # that of a unit normal cut at two
    nn.init.trunc_normal_(kernel, std=std, a=-2 * std, b=2 * std)


KERNELS = {"glorot_uniform": nn.init.xavier_uniform_, "glorot_normal": _glorot_normal, "he_normal": _he_normal}

"""Beginning with the channels and units of another run that matter most, in a narrower model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import torch
from torch import nn

from asrx.models.causal_crnn import CausalCRNN
from asrx.models.cnn import CNN
from asrx.models.cnn1d import CNN1d
from asrx.models.convolution import ConvStack
from asrx.models.crnn import CRNN
from asrx.models.lstm import LSTM
from asrx.models.pretrained import PARTS, give, weights
from asrx.types import UserError

KEYS = ("channels", "width")  # of the encoders' configs


class Axis(NamedTuple):
    """An axis along which a layer's units lie in order, each with as many neighbours as there is room for: once in each
    of `stretches`, such as an LSTM's gates, or in one of them alone."""

    name: str
    dim: int
    stretches: int = 1
    alone: int | None = None


Units = list[Axis]  # all axes of one layer's units, those of what reads them too; the first is of the layer's weights
Readers = Callable[..., Units]  # of outputs in so many stretches, of which the units are one


def load(module: nn.ModuleList, checkpoint: str) -> None:
    """Give a narrower encoder and its objective the largest channels and units of another run's, in place.

    A unit is as large as the sum of its weights' magnitudes (Li et al. 2017, https://arxiv.org/abs/1608.08710). What
    reads a unit that is left out loses the weights for it.

    Args:
        module: encoder and objective.
        checkpoint: best.ckpt or last.ckpt of the other run, which differs in `channels` and `width` alone.

    Raises:
        UserError: there is no such checkpoint, or it belongs to another model.
    """
    give(module, largest(weights(checkpoint), module), checkpoint)


def narrower(encoder: Mapping[str, Any], amount: float) -> dict[str, Any]:
    """The keys of an encoder's config that say how wide it is, less a share of it; one unit stays at least.

    Raises:
        UserError: it is none that can be cut.
    """
    names = [f"{kind.__module__}.{kind.__name__}" for kind in UNITS]
    if encoder["_target_"] not in names:
        known = ", ".join(name.rpartition(".")[2] for name in names)
        raise UserError(f"{encoder['_target_']} cannot be made narrower ({known} can): choose --kind magnitude.")

    def fewer(count: int) -> int:
        return max(1, round((1 - amount) * count))

    wide = {key: encoder[key] for key in KEYS if key in encoder}
    return {key: list(map(fewer, n)) if isinstance(n, Sequence) else fewer(n) for key, n in wide.items()}


def largest(wide: dict[str, torch.Tensor], module: nn.ModuleList) -> dict[str, torch.Tensor]:
    """The weights of a wide model that a narrow one keeps; all of them where they are of another model.

    Args:
        wide: see `asrx.models.pretrained.weights`.
        module: encoder and objective of the narrow one.
    """
    shapes = {
        f"{part}.{name}": value.shape
        for part, network in zip(PARTS, module, strict=True)
        for name, value in network.state_dict().items()
    }
    if set(wide) != set(shapes):
        return wide

    def heads(stretches: int = 1, alone: int | None = None) -> Units:
        # what reads the encodings, in each objective
        axes = {f"objective.{own}norm.{name}": 0 for own in ("", "ctc.") for name in ("weight", "bias")}
        axes |= {f"objective.{name}.weight": 1 for name in ("head", "ctc.head", "network.inwards", "network.hear")}
        return [Axis(name, dim, stretches, alone) for name, dim in axes.items() if name in wide]

    kept: dict[tuple[str, int], torch.Tensor] = {}
    for units in UNITS[type(module[0])](module[0], heads):
        name, dim, gates, _ = units[0]
        before, after = wide[name].shape[dim] // gates, shapes[name][dim] // gates
        own = [axis for axis in units if axis.dim == 0 and wide[axis.name].dim() > 1]
        sizes = sum(wide[axis.name].abs().reshape(axis.stretches, before, -1).sum((0, 2)) for axis in own)
        keep = torch.zeros(before, dtype=torch.bool)
        keep[sizes.topk(min(before, after)).indices] = True
        for axis in units:
            places = kept.setdefault(axis[:2], torch.ones(wide[axis.name].shape[axis.dim], dtype=torch.bool))
            stretches = places.view(axis.stretches, before, -1)
            stretches[slice(None) if axis.alone is None else axis.alone] = keep[:, None]
    narrow = dict(wide)
    for (name, dim), places in kept.items():
        narrow[name] = narrow[name].index_select(dim, places.nonzero()[:, 0])
    return narrow


def _convolutions(stack: ConvStack | CNN1d | CausalCRNN, prefix: str, readers: Units) -> Iterator[Units]:
    """Of convolutions with batch normalisation."""
    for i in range(len(stack.convs)):
        norm = [Axis(f"{prefix}norms.{i}.{of}", 0) for of in ("weight", "bias", "running_mean", "running_var")]
        following = [Axis(f"{prefix}convs.{i + 1}.weight", 1)]
        yield [Axis(f"{prefix}convs.{i}.weight", 0), *norm, *(readers if i == len(stack.convs) - 1 else following)]


def _projection(encoder: CRNN | CausalCRNN) -> Units:
    """Of the projection before an LSTM."""
    ways = range(len(encoder.lstm.layers[0]))
    inputs = [Axis(f"encoder.lstm.layers.0.{way}.weight_ih_l0", 1) for way in ways]
    return [Axis("encoder.project.weight", 0), Axis("encoder.project.bias", 0), *inputs]


def _lstm(encoder: CRNN | CausalCRNN | LSTM, readers: Readers) -> Iterator[Units]:
    """Of every direction of every layer of an LSTMStack."""
    layers = encoder.lstm.layers
    ways = range(len(layers[0]))
    for i, way in product(range(len(layers)), ways):
        name = f"encoder.lstm.layers.{i}.{way}."
        gates = [Axis(f"{name}{of}_l0", 0, 4) for of in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        following = [Axis(f"encoder.lstm.layers.{i + 1}.{next}.weight_ih_l0", 1, len(ways), way) for next in ways]
        outputs = readers(len(ways), way) if i == len(layers) - 1 else following
        yield [*gates, Axis(f"{name}weight_hh_l0", 1), *outputs]


def _of_cnn(encoder: CNN, heads: Readers) -> Iterator[Units]:
    yield from _convolutions(encoder.convs, "encoder.convs.", heads())


def _of_cnn1d(encoder: CNN1d, heads: Readers) -> Iterator[Units]:
    yield from _convolutions(encoder, "encoder.", heads())


def _of_lstm(encoder: LSTM, heads: Readers) -> Iterator[Units]:
    yield from _lstm(encoder, heads)


def _of_crnn(encoder: CRNN, heads: Readers) -> Iterator[Units]:
    yield from _convolutions(encoder.convs, "encoder.convs.", [Axis("encoder.project.weight", 1)])
    yield _projection(encoder)
    yield from _lstm(encoder, heads)


def _of_causal_crnn(encoder: CausalCRNN, heads: Readers) -> Iterator[Units]:
    yield from _convolutions(encoder, "encoder.", [Axis("encoder.project.weight", 1)])
    yield _projection(encoder)
    ahead = [] if encoder.ahead is None else [Axis("encoder.ahead.weight", 0)]
    yield from _lstm(encoder, lambda *stretches: [*ahead, *heads(*stretches)])


UNITS = {CNN: _of_cnn, CNN1d: _of_cnn1d, CRNN: _of_crnn, CausalCRNN: _of_causal_crnn, LSTM: _of_lstm}

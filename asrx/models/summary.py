"""What a model is made of, as one utterance goes through it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

PARTS = ("features", "encoder", "objective")  # of a pipeline, in their order


@torch.no_grad()
def layers(pipeline: nn.Module, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> list[dict[str, Any]]:
    """A row for every layer of a pipeline that has weights of its own, and for each part, in the order in which they
    were called: its `name`, `kind`, the `shape` of its (first) output without the batch, and `parameters`.

    Args:
        pipeline: see `asrx.training.pipeline`.
        wave_BT, lengths_B: of an utterance.
    """
    rows: dict[str, dict[str, Any]] = {}
    hooks = []

    def watch(name: str, layer: nn.Module) -> None:
        own = [*layer.parameters(recurse=name in PARTS)]

        def note(_layer, _given, out):
            first = out[0] if isinstance(out, tuple | list) else out
            shape = list(first.shape[1:]) if isinstance(first, torch.Tensor) else []
            kind, parameters = type(layer).__name__, sum(p.numel() for p in own)
            rows.setdefault(name, {"name": name, "kind": kind, "shape": shape, "parameters": parameters})

        if name in PARTS or own:
            hooks.append(layer.register_forward_hook(note))

    for name, layer in pipeline.named_modules():
        if name.startswith(PARTS):
            watch(name, layer)
    training = pipeline.training
    try:
        device = next(pipeline.parameters()).device
        encodings = pipeline.eval()(wave_BT.to(device), lengths_B.to(device))
        pipeline.objective.decode(*encodings)
    finally:
        pipeline.train(training)
        for hook in hooks:
            hook.remove()
    objective = sum(p.numel() for p in pipeline.objective.parameters())
    head = {"name": "objective", "kind": type(pipeline.objective).__name__, "shape": [], "parameters": objective}
    return [*rows.values(), *([] if "objective" in rows else [head])]

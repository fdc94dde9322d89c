"""Torch modules as ONNX files."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

OPSET = 18  # the oldest that torch's exporter writes as it is; engines in use read it


def write(
    path: Path,
    module: nn.Module,
    example: Sequence[torch.Tensor],
    inputs: Mapping[str, Sequence[str | None]],
    outputs: Sequence[str],
    metadata: Mapping[str, Any],
    defaults: Mapping[str, int] | None = None,
) -> None:
    """Write a module in evaluation mode as one file.

    Args:
        path: of the file; it appears once it is whole.
        module, example: what is exported, and arguments to follow it with, of which each free axis is longer than 1.
        inputs: the name of each argument, and of its axes, where they are free; axes of one name are equally long.
        outputs: the name of each result.
        metadata: key and value of the file, as engines read them.
        defaults: inputs that may be left out, and the number that each holds then.
    """
    import onnx

    names = {axis for axes in inputs.values() for axis in axes if axis}
    axes = {name: torch.export.Dim(name) for name in names}
    shapes = [{i: axes[name] for i, name in enumerate(free) if name} for free in inputs.values()]
    with torch.no_grad(), _quiet():
        program = torch.onnx.export(
            module,
            tuple(example),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=tuple(shapes),
            verbose=False,
        )
    model = program.model_proto
    _forget_this_machine(model)
    for name, value in (defaults or {}).items():
        model.graph.initializer.append(onnx.helper.make_tensor(name, onnx.TensorProto.INT64, [1], [value]))
    onnx.helper.set_model_props(model, {name: str(value) for name, value in metadata.items()})
    onnx.checker.check_model(model)
    partial = path.with_suffix(".part")
    onnx.save(model, partial)
    os.replace(partial, path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter tells its own developers."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _forget_this_machine(model: Any) -> None:
    """The exporter notes stack traces, with the paths of files, at every node."""
    del model.metadata_props[:]
    graphs = [model.graph, *model.functions]
    while graphs:
        graph = graphs.pop()
        del graph.metadata_props[:]
        graph.doc_string = ""
        for node in graph.node:
            del node.metadata_props[:]
            node.doc_string = ""
            graphs += [a.g for a in node.attribute if a.HasField("g")]
        for value in [*getattr(graph, "value_info", []), *getattr(graph, "initializer", [])]:
            del value.metadata_props[:]
            value.doc_string = ""

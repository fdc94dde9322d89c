"""Weights of eight bits."""

from __future__ import annotations

import logging
import os
from pathlib import Path

KINDS = ["MatMul", "LSTM"]  # an int8 convolution takes longer than a float one


def int8(model: Path, target: Path) -> None:
    """Write a model whose matrix products and LSTMs have weights of eight bits, by onnxruntime's dynamic quantisation.

    The features stay as they are: powers of spectra span more than eight bits can. Activations are scaled over the
    whole batch, so a quantised model answers an utterance a little differently beside others.

    Args:
        model: ONNX file.
        target: to write.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    graph = onnx.load(model).graph
    of_features = {weight.name for weight in graph.initializer if "features." in weight.name}
    kept = [node.name for node in graph.node if of_features & set(node.input)]
    partial = target.with_suffix(".part")
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)  # it advises a preprocessing that does nothing to these graphs
    try:
        quantize_dynamic(model, partial, op_types_to_quantize=KINDS, nodes_to_exclude=kept, weight_type=QuantType.QInt8)
    finally:
        logger.setLevel(level)
    os.replace(partial, target)

"""A trained model as a folder that stands alone."""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from asrx.export import onnx_file
from asrx.export.forms.base import Form
from asrx.export.lstm import with_nodes
from asrx.export.onnx_file import OPSET
from asrx.types import Search, TextDecoder, UserError
from asrx.vocabularies.base import Vocabulary

LM = "lm.arpa"
EXAMPLE = (1.0, 3.7, 2.6)  # s, of the waveforms that the exporter follows


def write_model(folder: Path, form: Form) -> Path:
    """The ONNX file, and what reads its outputs: tokens.txt, vocab.txt and config.json.

    Args:
        folder: new, or empty.
        form: what of which model, for which engine.

    Returns:
        the ONNX file.

    Raises:
        UserError: the vocabulary cannot be written as engines read it.
    """
    lines = _tokens(form.vocabulary)
    (folder / form.path).parent.mkdir(parents=True, exist_ok=True)
    path = folder / form.path
    onnx_file.write(
        path,
        with_nodes(form.graph()).eval(),
        form.arguments(*_example(form)),
        form.inputs,
        form.outputs,
        form.metadata,
        form.defaults,
    )
    for name in ("tokens.txt", "vocab.txt"):  # sherpa-onnx's name and onnx-asr's
        (folder / name).write_text(lines, encoding="utf-8")
    for name, text in form.files().items():
        (folder / name).write_text(text, encoding="utf-8")
    return path


def write_config(folder: Path, cfg: DictConfig, form: Form, model: str, batched: bool) -> None:
    """config.json: what engines read there, and what `asrx.load` needs.

    Args:
        folder: of the export.
        cfg: of the run.
        form: of the export.
        model: the name of the ONNX file that is to be used.
        batched: whether it answers several utterances at a time as it answers each alone.
    """
    own = {
        "model": model,
        "form": type(form).__name__,
        "sample_rate": form.rate,
        "frame": form.pipeline.hop() / form.rate,
        "decoder": _node(form.pipeline.objective.decoder),
        "batched": batched,
        "shortest": _shortest(form.pipeline),
        "opset": OPSET,
        "version": version("asrx"),
    }
    if lm := own["decoder"].get("search", {}).get("lm"):
        shutil.copyfile(Path(lm).expanduser(), folder / LM)
        own["decoder"]["search"]["lm"] = LM
    text = json.dumps(form.config() | {"asrx": own}, indent=1, ensure_ascii=False)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")


def _example(form: Form) -> tuple[torch.Tensor, torch.Tensor]:
    lengths_B = torch.tensor([round(seconds * form.rate) for seconds in EXAMPLE[: 3 if form.batched else 1]])
    wave_BT = torch.randn(len(lengths_B), int(lengths_B.max()), generator=torch.Generator().manual_seed(0)) / 10
    return wave_BT, lengths_B


def _tokens(vocabulary: Sequence[str]) -> str:
    """`symbol id` a line; a space is written as sentencepiece does."""
    symbols = ["▁" if label == " " else label for label in vocabulary]
    if doubled := sorted({label for label in symbols if symbols.count(label) > 1 or len(label.splitlines()) != 1}):
        raise UserError(f"the label {doubled[0]!r} cannot stand in tokens.txt: train with a vocabulary without it.")
    return "".join(f"{symbol} {i}\n" for i, symbol in enumerate(symbols))


def _node(part: TextDecoder | Search) -> dict[str, Any]:
    """What `asrx.config.build` makes a decoder, or its search, of again."""
    kind = type(part)
    values = {name: getattr(part, name) for name in inspect.signature(kind).parameters}
    return {
        "_target_": f"{kind.__module__}.{kind.__qualname__}",
        **{name: _plain(value) for name, value in values.items()},
    }


def _plain(value: Any) -> Any:
    return value.node() if isinstance(value, Vocabulary) else _node(value) if isinstance(value, Search) else value


def _shortest(pipeline) -> int:
    """Samples that give an output frame."""
    return next(n for n in range(1, 1_000_000) if pipeline.out_len(n) > 0)

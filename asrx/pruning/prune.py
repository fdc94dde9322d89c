"""From a run to one with fewer weights, trained on as any run is, and compared with it."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from omegaconf import DictConfig, OmegaConf

from asrx.config.saved import config_of, literal, own_overrides, read_config
from asrx.config.spelling import quoted
from asrx.evaluation.trained import Trained, load
from asrx.export.compared import check_tolerance, measured
from asrx.export.folder import write_model
from asrx.export.forms.all import FORMS
from asrx.export.parity import Exported
from asrx.export.recordings import waveforms
from asrx.models.narrow import narrower
from asrx.report.terminal import HEADLINES, aligned
from asrx.training.run import alone, left_empty, run
from asrx.types import UserError

KINDS = {"magnitude": "asrx.models.sparse.load", "structured": "asrx.models.narrow.load"}  # what a run begins with


class Size(NamedTuple):
    """Of a model: its parameters, those that are not zero, bytes of its ONNX file, and of that file compressed."""

    parameters: int
    nonzero: int
    file: int
    compressed: int


class Report(NamedTuple):
    """Of a run and of what became of it: sizes, and what `measured` found; and on what speed was measured."""

    sizes: tuple[Size, Size]
    figures: tuple[dict[str, float], dict[str, float]]
    measured_on: str


def prune(
    source: Path, folder: Path, amount: float, kind: str, epochs: int | None = None, changes: Sequence[str] = ()
) -> Report | None:
    """Train a smaller model that begins with what a run has learned, and compare the two.

    Args:
        source: the run folder.
        folder: of the new run: new, empty, or of the same pruning, which then goes on where it was interrupted.
        amount: share of the weights (magnitude), or of each layer's channels and units (structured), to do without.
        kind: one of `KINDS`.
        epochs: of the training; None is the run's own number.
        changes: KEY=VALUE, to the run's config.

    Returns:
        None where the training was interrupted, which can be resumed.

    Raises:
        UserError: the run, its data or its model cannot be used.
    """
    if not 0 < amount < 1:
        raise UserError(f"--amount {amount:g} should be a share between 0 and 1, such as 0.5.")
    if epochs is not None and epochs < 1:
        raise UserError(f"--epochs {epochs} should be a whole number from 1.")
    goes_on = (folder / "config.yaml").is_file()
    if folder.exists() and not goes_on and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} exists already: name a new folder, or an empty one.")
    before = load(source, config_of(source, changes))
    with tempfile.TemporaryDirectory() as scratch:
        whole = _exported(before, Path(scratch) / "before")
        begun = [*changes, *_beginning(before, source, amount, kind)]
        begun += [] if epochs is None else [f"trainer.max_epochs={epochs}"]
        cfg = config_of(source, begun)
        if goes_on:
            cfg = _to_go_on(folder, cfg)
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder), left_empty(folder):
            if run(cfg, folder, [*own_overrides(source), *begun]) is None:
                return None
        after = load(folder, config_of(folder, []))
        small = _exported(after, Path(scratch) / "after")
        waves, measured_on = waveforms(before.cfg, before, "", ())
        # side by side, whatever else the machine does
        figures = tuple(measured(exported, before, waves) for exported, _ in (whole, small))
        return Report((whole[1], small[1]), figures, measured_on)


def _to_go_on(folder: Path, cfg: DictConfig) -> DictConfig:
    """The config of a run that was begun by the same pruning, to resume it with."""
    own = read_config(folder)
    if (own.model, own.trainer.max_epochs) != (cfg.model, cfg.trainer.max_epochs):
        raise UserError(f"{folder} holds another run, or another pruning: name a new folder.")
    return OmegaConf.merge(own, literal({"resume": str(folder)}))


def _beginning(before: Trained, source: Path, amount: float, kind: str) -> list[str]:
    """The overrides by which a run begins with what another has learned."""
    checkpoint = f"checkpoint:{quoted(str(source.resolve() / f'{before.cfg.tested}.ckpt'))}"
    if kind == "magnitude":
        init, widths = f"{{_target_:{KINDS[kind]},{checkpoint},amount:{amount:g}}}", {}
    else:
        init, widths = f"{{_target_:{KINDS[kind]},{checkpoint}}}", narrower(before.cfg.model.encoder, amount)
    shape = [f"model.encoder.{key}={str(width).replace(' ', '')}" for key, width in widths.items()]
    return [*shape, "model.init=null", f"model.init={init}"]  # null first, or the keys of both would add up


def _exported(trained: Trained, folder: Path) -> tuple[Exported, Size]:
    form = FORMS["onnx"](trained.cfg, trained.pipeline)
    path = write_model(folder, form)
    parameters = list(trained.pipeline.parameters())
    nonzero = sum(int(torch.count_nonzero(parameter)) for parameter in parameters)
    file = path.read_bytes()
    size = Size(sum(p.numel() for p in parameters), nonzero, len(file), len(zlib.compress(file)))
    return Exported(path, form), size


def table(report: Report) -> str:
    """What the terminal is told."""
    shown = [key for key in HEADLINES if key in report.figures[0]]
    lines = [["", "parameters", "not zero", "ONNX, MB", "zipped, MB", "ms", *(f"{HEADLINES[key]}, %" for key in shown)]]
    for name, size, figures in zip(("as trained", "pruned"), report.sizes, report.figures, strict=True):
        sizes = [f"{size.parameters:,}", f"{size.nonzero:,}", f"{size.file / 1e6:.2f}", f"{size.compressed / 1e6:.2f}"]
        lines.append([name, *sizes, f"{figures['ms']:.1f}", *(f"{100 * figures[key]:.2f}" for key in shown)])
    return "\n".join(
        [
            aligned(lines, 1),
            f"ms: median for one recording in onnxruntime, one thread, on {report.measured_on}; the figures beside it "
            "are those of the validation part.",
        ]
    )


def check(report: Report, folder: Path, tolerance: float) -> None:
    """Refuse a smaller model that is much worse.

    Raises:
        UserError: it adds more than `tolerance` percent to the error of the validation part.
    """
    remedy = f"{folder} is kept, but take less away with --amount, train longer with --epochs"
    check_tolerance(*report.figures, tolerance, "pruning", remedy)

"""From a run to a folder that other programs use, checked on recordings."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from asrx.config.saved import config_of
from asrx.evaluation.trained import Model, Trained, load_model
from asrx.export.card import write_card
from asrx.export.compared import check_tolerance, measured
from asrx.export.folder import write_config, write_model
from asrx.export.forms.all import FORMS
from asrx.export.forms.base import Form
from asrx.export.parity import Exported, Parity, parity
from asrx.export.quantize import int8
from asrx.export.recordings import own_data, waveforms
from asrx.types import UserError

SAME = 1e-2  # the largest difference of log probabilities that rounding explains


class Report(NamedTuple):
    """What was exported: where, checked on what and how well; the figures of float and int8, where they were compared,
    and which of the two config.json names."""

    folder: Path
    checked_on: str
    parity: Parity
    sizes: dict[str, int]
    compared: dict[str, dict[str, float]] | None
    model: str


def export(
    source: Path,
    folder: Path,
    form: str = "onnx",
    quantize: bool = False,
    tolerance: float = 5.0,
    check: Sequence[Path] = (),
    overrides: Sequence[str] = (),
) -> Report:
    """Write a trained model for an engine.

    Args:
        source: a run folder or a checkpoint.
        folder: new, or empty; it appears once it is whole.
        form: one of `FORMS`.
        quantize: whether to write weights of eight bits too, and to use them if they are good enough and faster.
        tolerance: percent, of the error that may be added by them.
        check: recordings to compare on; without them, the run's own test part where it can be had.
        overrides: of the config of a run, such as `decode=beam`.

    Raises:
        UserError: there is no model, the engine cannot run it, or the export does not answer as the model does.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} exists already: name a new folder, or an empty one.")
    model = load_model(source, config_of(source, overrides) if overrides else None)
    chosen: Form = FORMS[form](model.cfg, model.pipeline)
    trained, without = own_data(source)
    waves, checked_on = waveforms(model.cfg, trained, without, check)
    partial = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        report = _written(partial, source, model, chosen, trained, without, waves, checked_on, quantize, tolerance)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return report._replace(folder=folder)


def _written(
    folder: Path,
    source: Path,
    model: Model,
    form: Form,
    trained: Trained | None,
    without: str,
    waves: Sequence[torch.Tensor],
    checked_on: str,
    quantize: bool,
    tolerance: float,
) -> Report:
    path = write_model(folder, form)
    exported = Exported(path, form)
    found = parity(exported, waves)
    if not max(found.alone, found.padded or 0) < SAME:
        raise UserError(
            f"{source} does not answer in ONNX as in torch: log probabilities differ by up to "
            f"{max(found.alone, found.padded or 0):.2g} on {checked_on}; nothing was written."
        )
    compared, name = None, path.name
    if quantize:
        if trained is None:
            raise UserError(f"--quantize measures what it costs on the validation part, and {without}")
        small = path.with_name("model.int8.onnx")
        int8(path, small)
        eight = Exported(small, form)
        compared = {"float": measured(exported, trained, waves), "int8": measured(eight, trained, waves)}
        check_tolerance(compared["float"], compared["int8"], tolerance, "int8", "leave out --quantize")
        name = (small if compared["int8"]["ms"] < compared["float"]["ms"] else path).name
    write_config(folder, model.cfg, form, name, form.batched and name == path.name)
    report = Report(
        folder,
        checked_on,
        found,
        {p.name: p.stat().st_size for p in sorted(path.parent.glob("*.onnx"))},
        compared,
        name,
    )
    write_card(folder, source, model.cfg, form, report)
    return report


def summary(report: Report) -> str:
    """What the terminal is told."""
    found = report.parity
    lines = [
        f"checked on {report.checked_on}",
        f"same text          {found.same} of {found.recordings}",
        f"largest difference of log probabilities    {found.alone:.1e} alone"
        + (f", {found.padded:.1e} in padded batches" if found.padded is not None else ""),
        f"milliseconds each  {found.torch_ms:.1f} in torch, {found.onnx_ms:.1f} exported (median, one thread)",
        *(f"{name:<18} {size / 1e6:.2f} MB" for name, size in report.sizes.items()),
    ]
    if report.compared:
        for name, row in report.compared.items():
            figures = ", ".join(f"{key} {100 * value:.2f} %" for key, value in row.items() if key != "ms")
            lines.append(f"{name:<18} {figures} on the validation part, {row['ms']:.1f} ms")
        slower = report.model != "model.int8.onnx"
        lines.append("int8 is slower than float on this machine: float is used" if slower else "int8 is used")
    return "\n".join([*lines, str(report.folder)])

"""README.md of an exported folder: what the model is, what it was measured at, and how it is used; and a program in
C++, where sherpa-onnx takes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from asrx.export.forms.base import Form
from asrx.report.files import read_metrics
from asrx.report.terminal import HEADLINES

if TYPE_CHECKING:
    from asrx.export.export import Report


def write_card(folder: Path, source: Path, cfg: DictConfig, form: Form, report: Report) -> None:
    """Write README.md, and transcribe.cc.

    Args:
        folder: of the export.
        source: the run folder, whose figures are told, or a checkpoint.
        cfg: of the run.
        form, report: of the export.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("asrx.export", "usage"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    measured = read_metrics(source) if source.is_dir() else {}
    test = measured.get("test") or {}
    told = {
        "usage": f"{form.usage}.md.j2",
        "engine": form.sherpa(),
        "bins": form.pipeline.features.dim,
        "cfg": cfg,
        "form": form,
        "report": report,
        "model": f"{Path(form.path).parent / report.model}",
        "parameters": sum(p.numel() for p in form.pipeline.parameters()),
        "part": measured.get("part", "test"),
        "figures": {HEADLINES[key]: f"{100 * test[key]:.2f} %" for key in HEADLINES if key in test},
        "encoder": cfg.model.encoder._target_,
        "features": cfg.features._target_,
        "corpus": cfg.dataset.corpus._target_,
        "tail": getattr(form, "tail", 0.0),
    }
    files = {"README.md": "card.md.j2"} | ({"transcribe.cc": "transcribe.cc.j2"} if told["engine"] else {})
    for name, template in files.items():
        (folder / name).write_text(environment.get_template(template).render(told), encoding="utf-8")

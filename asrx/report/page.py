"""report.html: one page that explains a run, in one file that opens offline."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asrx.report.errors import Judged, common_errors, confusion, judge, kind_of
from asrx.report.figures import line_chart
from asrx.report.folder import RunFolder, read_run
from asrx.types import UserError

WORST = 10


def write_report(folder: Path) -> Path:
    """Writes `report.html` into a run folder, from the files in it alone.

    Returns:
        The path of the page.

    Raises:
        UserError: the folder lacks a file every run has, or one cannot be parsed.
    """
    page = _render(read_run(folder))
    target = Path(folder) / "report.html"
    # a page that is open in a browser, or a Ctrl-C, never meets half a file
    draft = target.with_suffix(".html.part")
    draft.write_text(page, encoding="utf-8")
    os.replace(draft, target)
    return target


def _render(run: RunFolder) -> str:
    import jinja2

    kind = kind_of(run)
    judged = judge(kind, run.predictions)
    best = run.metrics.get("best") or {}
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("asrx.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"percent": _percent, "clock": _clock}
    return environment.get_template("page.html.j2").render(
        run=run,
        name=run.path.name,
        kind=kind,
        kind_template=f"{run.metrics['kind']}.html.j2",
        test=run.metrics.get("test"),
        best=best,
        seconds=run.metrics.get("seconds") or {},
        judged=judged,
        common_errors=common_errors(judged),
        confusion=confusion,
        charts=[chart for chart in _charts(run, kind, best.get("epoch")) if chart],
        worst=_worst(judged),
    )


def _charts(run: RunFolder, kind, best_epoch: float | None) -> list:
    losses = {"train/loss": "training", "val/loss": "validation"}
    rates = {f"val/{metric}": kind.metrics[metric] for metric in kind.curves}
    return [
        line_chart("Loss", run.epochs, losses, best_epoch),
        line_chart(kind.curves_title, run.epochs, rates, best_epoch, percent=True),
    ]


def _worst(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    return [{"judged": one, **_sound(one)} for one in judged[:WORST] if one.errors]


def _sound(one: Judged) -> dict[str, Any]:
    from asrx.report.audio import read_clip, spectrogram_png, wav_bytes
    from asrx.report.figures import ticks

    try:
        clip = read_clip(one.prediction)
    except UserError as error:
        return {"clip": None, "problem": str(error)}
    end, top = len(clip.wave) / clip.rate, clip.rate / 2000
    return {
        "clip": clip,
        "player": _data_uri("audio/wav", wav_bytes(clip)),
        "image": _data_uri("image/png", spectrogram_png(clip)),
        "times": [(value / end, f"{value:g}") for value in ticks(0, end, 6) if value <= end],
        "frequencies": [(value / top, f"{value:g}") for value in ticks(0, top, 4) if value <= top],
    }


def _data_uri(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"


def _clock(seconds: float) -> str:
    """A duration for people: 0.4 s, 12 s, 3 min 05 s, 1 h 02 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"

"""report.html: one page that explains a run, in one file that opens offline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from asrx.report.document import data_uri, image_type, render, write
from asrx.report.errors import Judged, common_errors, confusion, judge, kind_of
from asrx.report.figures import line_chart
from asrx.report.folder import RunFolder, read_run
from asrx.report.terminal import resuming
from asrx.types import UserError

SHOWN = 10  # utterances of a list


def write_report(folder: Path) -> Path:
    """Writes `report.html` into a run folder, from the files in it alone.

    Returns:
        The path of the page.

    Raises:
        UserError: the folder lacks a file every run has, or one cannot be parsed.
    """
    page = _render(read_run(folder))
    target = Path(folder) / "report.html"
    write(target, page)
    return target


def _render(run: RunFolder) -> str:
    from asrx.report.conditions import conditions

    kind = kind_of(run)
    judged, doubted = judge(kind, run.predictions), run.doubtful[:SHOWN]
    best = run.metrics.get("best") or {}
    return render(
        "run/page.html.j2",
        run=run,
        name=run.path.name,
        resuming=resuming(run.path),
        kind=kind,
        kind_template=f"run/{run.metrics['kind']}.html.j2",
        test=run.metrics.get("test"),
        part="validation" if run.metrics.get("part") == "val" else "test",
        best=best,
        seconds=run.metrics.get("seconds") or {},
        judged=judged,
        common_errors=common_errors(judged),
        confusion=confusion,
        charts=[chart for chart in _charts(run, kind, best.get("epoch")) if chart],
        worst=_exhibits((one for one in judged[:SHOWN] if one.errors), kind.verdict),
        conditions=conditions(kind, judged),
        blocks=_blocks(run.metrics.get("layers") or []),
        doubtful=_exhibits((Judged(*pair) for pair in zip(doubted, kind.align(doubted), strict=True)), _doubt),
    )


def _blocks(layers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Boxes of the model's diagram: layers in a row whose names begin alike, as `encoder.blocks.0` does."""
    blocks: list[dict[str, Any]] = []
    for layer in layers:
        first, *rest = layer["name"].split(".")
        if not rest and first != "features":  # the boxes of its layers stand for it
            continue
        title = ".".join([first, *rest[: 2 if len(rest) > 2 and rest[1].isdecimal() else 1]])
        if not blocks or blocks[-1]["title"] != title:
            blocks.append({"title": title, "parameters": 0})
        blocks[-1]["shape"] = layer["shape"]
        blocks[-1]["parameters"] += layer["parameters"]
    return blocks


def _charts(run: RunFolder, kind, best_epoch: float | None) -> list:
    losses = {"train/loss": "training", "val/loss": "validation"}
    rates = {f"val/{metric}": kind.metrics[metric] for metric in kind.curves}
    return [
        line_chart("Loss", run.epochs, losses, best_epoch),
        line_chart(kind.curves_title, run.epochs, rates, best_epoch, percent=not kind.decibels),
    ]


def _exhibits(judged: Iterable[Judged], verdict: Callable[[Judged], str]) -> list[dict[str, Any]]:
    return [{"judged": one, "verdict": verdict(one), **_exhibit(one)} for one in judged]


def _doubt(one: Judged) -> str:
    """See `asrx.training.doubtful`."""
    return f"log p is {one.prediction.score:.1f} greater, for each label written"


def _exhibit(one: Judged) -> dict[str, Any]:
    """What the template shows of an utterance: its sound, or the image that it is."""
    media_type = image_type(one.prediction.audio)
    return _picture(one, media_type) if media_type else _sound(one)


def _picture(one: Judged, media_type: str) -> dict[str, Any]:
    try:
        return {"clip": None, "picture": data_uri(media_type, Path(one.prediction.audio).read_bytes())}
    except OSError:
        return {"clip": None, "problem": f"Image not readable: {one.prediction.audio}."}


def _sound(one: Judged) -> dict[str, Any]:
    from asrx.report.audio import read_clip, spectrogram, wav_bytes

    try:
        clip = read_clip(one.prediction)
    except UserError as error:
        return {"clip": None, "problem": str(error)}
    return {"clip": clip, "player": data_uri("audio/wav", wav_bytes(clip)), "spectrogram": spectrogram(clip)}

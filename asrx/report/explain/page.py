"""The page of `python -m asrx explain`: what a model heard in a recording, and where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from asrx.report.audio import Clip, picture_png, read_clip, wav_bytes
from asrx.report.document import data_uri, render
from asrx.report.figures import Strip, marks
from asrx.types import Span, Utterance

SHOWN = 8  # outputs over time: those that are ever the most probable
LONGEST = 3600.0  # s
BRIGHT = 0.995  # the quantile of saliency that is brightest


class Explained(NamedTuple):
    """Arrays of `asrx.interpretation.explanation.Explanation`; `bands` are first bin, last bin and fall."""

    path: Path
    text: str
    confidence: float
    words: Sequence[Span]
    frames_TF: np.ndarray
    saliency_TF: np.ndarray
    bands: Sequence[tuple[int, int, float]]
    labels: Sequence[str]
    logp_TV: np.ndarray | None
    attention: dict[str, np.ndarray]


def explain_page(model: str, explained: Sequence[Explained]) -> str:
    """The page as HTML.

    Args:
        model: what it is called.
        explained: a section each.
    """
    return render("explain/page.html.j2", name=model, sections=[_section(one) for one in explained])


def _section(one: Explained) -> dict[str, Any]:
    clip = read_clip(Utterance(str(one.path), str(one.path), one.text), max_seconds=LONGEST)
    bins = one.frames_TF.shape[1]
    size = np.abs(one.saliency_TF)
    largest = max((abs(fall) for *_, fall in one.bands), default=1.0) or 1.0
    return {
        "one": one,
        "clip": clip,
        "player": data_uri("audio/wav", wav_bytes(clip)),
        "pictures": {
            "What the model is given (features)": _picture(clip, _stretched(one.frames_TF), _marks(bins), "bin"),
            "What it heard there (saliency)": _picture(
                clip, size / max(float(np.quantile(size, BRIGHT)), 1e-12), _marks(bins), "bin"
            ),
        },
        "outputs": None if one.logp_TV is None else _outputs(clip, one.labels, one.logp_TV),
        "attention": {
            name: data_uri("image/png", picture_png((looks_TT / looks_TT.max()).T))
            for name, looks_TT in one.attention.items()
        },
        "bands": [(first, last, fall, abs(fall) / largest) for first, last, fall in one.bands],
    }


def _picture(clip: Clip, shares_TF: np.ndarray, levels: list[tuple[float, str]], unit: str) -> Strip:
    return Strip(data_uri("image/png", picture_png(shares_TF.T)), None, marks(clip.seconds, 6), levels, unit)


def _stretched(values: np.ndarray) -> np.ndarray:
    low, high = np.quantile(values, [0.02, 0.98])
    return (values - low) / max(high - low, 1e-9)


def _marks(bins: int) -> list[tuple[float, str]]:
    return [(place / bins, f"{place}") for place in range(0, bins, max(1, bins // 4))]


def _outputs(clip: Clip, labels: Sequence[str], logp_TV: np.ndarray) -> Strip:
    """Probabilities over time of the outputs that are ever the most probable, the most frequent at the bottom."""
    best, counts = np.unique(logp_TV.argmax(1), return_counts=True)
    shown = best[np.argsort(-counts)][:SHOWN]
    levels = [((row + 0.5) / len(shown), labels[v] if labels[v].strip() else "␣") for row, v in enumerate(shown)]
    return _picture(clip, np.exp(logp_TV[:, shown]), levels, "")

"""Geometry of a sweep's charts: its history and its trials over all parameters; page.html.j2 draws them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from asrx.report.compare.importance import is_number
from asrx.report.compare.systems import varied, written
from asrx.report.figures import BOTTOM, Tick, ticks, x_at, y_at
from asrx.report.sweep import Sweep, Trial

DECADES = 2  # an axis that spans more is logarithmic, unless the space says what it is, and has no ticks within them
# of the parallel coordinates, in SVG user units
AXIS_TOP, AXIS_BOTTOM, ABSENT, MARGIN = 44, 206, 226, 24
WIDE, NARROWEST, WIDEST = 900, 110, 200  # all together, and from one axis to the next
LABELS, LETTERS = 14, 15  # of a categorical axis


class Dot(NamedTuple):
    """A trial, by its number, in SVG user units, with what it stands for."""

    trial: int
    x: float
    y: float
    label: str


class History(NamedTuple):
    """Scores by trial number: dots by state, and the best so far as SVG points."""

    dots: dict[str, list[Dot]]
    best: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    x_title: str


class Axis(NamedTuple):
    """A vertical axis; `absent` says whether trials lack the parameter, whose lines then pass below it."""

    x: float
    name: str
    ticks: list[Tick]
    absent: bool


class Line(NamedTuple):
    """A trial, by its number, as SVG points; `share` is 0 for the worst rank and 1 for the best."""

    trial: int
    points: str
    share: float
    label: str


class Parallel(NamedTuple):
    """Parallel coordinates; the best trial's line is the last, on top."""

    width: float
    axes: list[Axis]
    lines: list[Line]


def history(sweep: Sweep) -> History | None:
    """Draws each trial's score over its number; None where no trial has a score. One without stands at the foot."""
    scored = [trial for trial in sweep.trials if trial.score is not None]
    if not scored:
        return None
    low, high = min(trial.score for trial in scored), max(trial.score for trial in scored)
    y_values = ticks(low, high, 5) if low < high else [low - 0.5, low, low + 0.5]
    low, high = y_values[0], y_values[-1]
    numbers = [trial.number for trial in sweep.trials]
    first, last = (min(numbers), max(numbers)) if len(numbers) > 1 else (numbers[0] - 1, numbers[0] + 1)

    def x_of(number: float) -> float:
        return x_at((number - first) / (last - first))

    def y_of(score: float) -> float:
        return y_at((score - low) / (high - low))

    dots: dict[str, list[Dot]] = {}
    for trial in sweep.trials:
        y, score = (BOTTOM, "no score") if trial.score is None else (y_of(trial.score), f"{trial.score:.4g}")
        dot = Dot(trial.number, x_of(trial.number), y, f"trial {trial.number}, {trial.state}: {score}")
        dots.setdefault(trial.state, []).append(dot)
    best, reached = [], None
    for trial in sweep.finished:
        if reached is None or sweep.goodness(trial.score) > sweep.goodness(reached):
            best += [] if reached is None else [(trial.number, reached)]
            best.append((trial.number, trial.score))
            reached = trial.score
    if best:
        best.append((last, reached))
    return History(
        dots=dots,
        best=" ".join(f"{x_of(number)},{y_of(score)}" for number, score in best),
        x_ticks=[
            Tick(x_of(x), f"{x:g}") for x in ticks(first, last, 8, whole=True) if min(numbers) <= x <= max(numbers)
        ],
        y_ticks=[Tick(y_of(y), f"{y:.6g}") for y in y_values],
        x_title="trial",
    )


def parallel(sweep: Sweep) -> Parallel | str:
    """Draws each finished trial over the parameters that vary, with the score as the last axis.

    Returns:
        a sentence without a full stop where there is nothing to compare.
    """
    trials = sorted(sweep.finished, key=lambda trial: sweep.goodness(trial.score))
    keys = varied([trial.params for trial in trials])
    if not keys:
        return f"Parameters are drawn where finished trials differ in one; here are {len(trials)} finished"
    columns = {key: [trial.params[key] for trial in trials if key in trial.params] for key in keys}
    logarithmic = sweep.logarithmic
    scales = [_scale(values, logarithmic.get(key)) for key, values in columns.items()]
    score_of, score_ticks = _scale([trial.score for trial in trials], None)
    spacing = min(WIDEST, max(NARROWEST, WIDE // len(keys)))
    marks = [*(marks for _, marks in scales), score_ticks]
    absent = [*(len(values) < len(trials) for values in columns.values()), False]
    axes = [Axis(MARGIN + i * spacing, name, marks[i], absent[i]) for i, name in enumerate([*keys, sweep.metric])]
    lines = []
    for place, trial in enumerate(trials):
        heights = [
            scale(trial.params[key]) if key in trial.params else ABSENT
            for key, (scale, _) in zip(keys, scales, strict=True)
        ]
        pairs = zip(axes, [*heights, score_of(trial.score)], strict=True)
        points = " ".join(f"{axis.x},{y}" for axis, y in pairs)
        lines.append(Line(trial.number, points, round(place / max(1, len(trials) - 1), 3), _described(trial, keys)))
    return Parallel(axes[-1].x + MARGIN * 3, axes, lines)


def _described(trial: Trial, keys: Sequence[str]) -> str:
    values = "; ".join(f"{key}={written(trial.params[key])}" for key in keys if key in trial.params)
    return f"trial {trial.number}: {trial.score:.4g}; {values}"


def _scale(values: Sequence[Any], logarithmic: bool | None) -> tuple[Callable[[Any], float], list[Tick]]:
    """The height of a value, and the ticks, of an axis for these values: linear, logarithmic, or a place for each.

    Where `logarithmic` is None, the decades that numbers span say what they need.
    """
    if not all(map(is_number, values)) or min(values) == max(values):
        names = sorted({written(value) for value in values})
        heights = {name: _height((i + 0.5) / len(names)) for i, name in enumerate(names)}
        shown = names[:: math.ceil(len(names) / LABELS)]
        return lambda value: heights[written(value)], [Tick(heights[name], _cut(name)) for name in shown]
    low, high = min(values), max(values)
    wide = low > 0 and high / low > 10**DECADES
    if low > 0 and (wide if logarithmic is None else logarithmic):
        place, marks = math.log10, _log_ticks(low, high, (1,) if wide else (1, 2, 5))
    else:
        place, marks = float, ticks(low, high, 5, whole=all(isinstance(value, int) for value in values))
    bottom, top = place(marks[0]), place(marks[-1])

    def height(value: float) -> float:
        return _height((place(value) - bottom) / (top - bottom))

    return height, [Tick(height(mark), f"{mark:.6g}") for mark in marks]


def _log_ticks(low: float, high: float, digits: Sequence[int]) -> list[float]:
    """Round numbers that begin with one of the digits and span low..high, the outermost ones at or beyond its ends."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    # 10.0**-4 * 2 is not 2e-4
    marks = [float(f"{digit}e{n}") for n in decades for digit in digits]
    first = max(i for i, mark in enumerate(marks) if mark <= low)
    last = min(i for i, mark in enumerate(marks) if mark >= high)
    return marks[first : last + 1]


def _height(share: float) -> float:
    return round(AXIS_BOTTOM - share * (AXIS_BOTTOM - AXIS_TOP), 2)


def _cut(name: str) -> str:
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"

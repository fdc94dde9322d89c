"""Geometry of the page's line charts and axes; the template draws them as SVG, so they follow its colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

# in SVG user units, near the width in CSS pixels at which a phone shows the chart, so that its text keeps its size
WIDTH, HEIGHT = 420, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 410, 12, 198


class Tick(NamedTuple):
    """A labelled place on an axis, in SVG user units."""

    at: float
    label: str


class Point(NamedTuple):
    """A point of a line, in SVG user units, with what it stands for."""

    x: float
    y: float
    label: str


class Chart(NamedTuple):
    """A line chart over epochs; `marker` is the x of the best epoch, or None."""

    title: str
    lines: dict[str, list[Point]]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    marker: float | None


def ticks(low: float, high: float, count: int, whole: bool = False) -> list[float]:
    """At most `count + 1` round numbers that span low..high, the outermost ones at or beyond its ends."""
    from matplotlib.ticker import MaxNLocator

    return [float(value) for value in MaxNLocator(count, integer=whole).tick_values(low, high)]


def line_chart(
    title: str,
    epochs: Sequence[Mapping[str, float | None]],
    columns: Mapping[str, str],
    best_epoch: float | None = None,
    percent: bool = False,
) -> Chart | None:
    """Draws columns of metrics.csv over the epoch; None where they hold no number.

    Args:
        columns: column of metrics.csv to name in the legend; columns that are absent or empty are left out.
        percent: the values are rates; the axis is labelled in percent and starts at zero.
    """
    data = {
        name: [(row["epoch"], row[column]) for row in epochs if row.get(column) is not None]
        for column, name in columns.items()
    }
    data = {name: values for name, values in data.items() if values}
    if not data:
        return None
    scale, unit = (100, " %") if percent else (1, "")
    xs = [x for values in data.values() for x, _ in values]
    ys = [y * scale for values in data.values() for _, y in values]
    first, last = (min(xs), max(xs)) if min(xs) < max(xs) else (min(xs) - 1, max(xs) + 1)
    y_values = ticks(0 if percent else min(ys), max(ys), 5)
    low, high = y_values[0], y_values[-1]

    def across(x: float) -> float:
        return round(LEFT + (x - first) / (last - first) * (RIGHT - LEFT), 2)

    def up(y: float) -> float:
        return round(BOTTOM - (y - low) / (high - low) * (BOTTOM - TOP), 2)

    return Chart(
        title=title,
        lines={
            name: [Point(across(x), up(y * scale), f"{name}, epoch {x:g}: {y * scale:.4g}{unit}") for x, y in values]
            for name, values in data.items()
        },
        x_ticks=[Tick(across(x), f"{x:g}") for x in ticks(first, last, 8, whole=True) if min(xs) <= x <= max(xs)],
        y_ticks=[Tick(up(y), f"{y:.6g}{unit}") for y in y_values],
        marker=across(best_epoch) if best_epoch in xs else None,
    )

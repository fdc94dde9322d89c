"""Geometry of the pages' charts and axes; figures.html.j2 draws them as SVG, so they follow the page's colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

# in SVG user units, near the width in CSS pixels at which a phone shows the chart, so that its text keeps its size
WIDTH, HEIGHT = 420, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 410, 12, 198


class Tick(NamedTuple):
    """A labelled place on an axis, in SVG user units."""

    at: float
    label: str


class Point(NamedTuple):
    """A point of a line, in SVG user units, with what it stands for; one without a label is not marked."""

    x: float
    y: float
    label: str


class Chart(NamedTuple):
    """A line chart; `marker` is the x of the best epoch, or None."""

    title: str
    lines: dict[str, list[Point]]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    marker: float | None
    x_title: str


class Bar(NamedTuple):
    """A bar of a histogram, in SVG user units, with what it stands for."""

    x: float
    y: float
    width: float
    height: float
    label: str


class Histogram(NamedTuple):
    """How often values lie in each of equal intervals."""

    title: str
    bars: list[Bar]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    x_title: str


class Strip(NamedTuple):
    """Something over time: a picture (a data URI), or an outline (SVG points within 380 x 90).

    `times` and `levels` label the two axes: places as shares of the axis, with what stands there.
    """

    image: str | None
    outline: str | None
    times: list[tuple[float, str]]
    levels: list[tuple[float, str]]
    unit: str


def ticks(low: float, high: float, count: int, whole: bool = False) -> list[float]:
    """At most `count + 1` round numbers that span low..high, the outermost ones at or beyond its ends."""
    from matplotlib.ticker import MaxNLocator

    return [float(value) for value in MaxNLocator(count, integer=whole).tick_values(low, high)]


def marks(end: float, count: int) -> list[tuple[float, str]]:
    """At most `count + 1` round numbers from 0 to `end`: each as a share of it, and as a label."""
    return [(value / end, f"{value:g}") for value in ticks(0, end, count) if value <= end]


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
        return x_at((x - first) / (last - first))

    def up(y: float) -> float:
        return y_at((y - low) / (high - low))

    return Chart(
        title=title,
        lines={
            name: [Point(across(x), up(y * scale), f"{name}, epoch {x:g}: {y * scale:.4g}{unit}") for x, y in values]
            for name, values in data.items()
        },
        x_ticks=[Tick(across(x), f"{x:g}") for x in ticks(first, last, 8, whole=True) if min(xs) <= x <= max(xs)],
        y_ticks=[Tick(up(y), f"{y:.6g}{unit}") for y in y_values],
        marker=across(best_epoch) if best_epoch in xs else None,
        x_title="epoch",
    )


def histogram(title: str, values: np.ndarray, edges: np.ndarray, x_title: str) -> Histogram:
    """Counts the values (N,) between the edges, which are equally far apart and begin at 0; N is at least 1."""
    import numpy as np

    counts = np.histogram(values, edges)[0].tolist()
    y_values = ticks(0, max(counts), 5, whole=True)
    top, end = y_values[-1], float(edges[-1])
    width = (RIGHT - LEFT) / len(counts)
    bars = [
        Bar(
            x=round(LEFT + i * width, 2),
            y=y_at(count / top),
            width=round(width - 0.8, 2),
            height=round(BOTTOM - y_at(count / top), 2),
            label=f"{edges[i]:.3g} to {edges[i + 1]:.3g}: {count:,}",
        )
        for i, count in enumerate(counts)
        if count
    ]
    x_ticks = [Tick(x_at(share), label) for share, label in marks(end, 8)]
    return Histogram(title, bars, x_ticks, [Tick(y_at(y / top), f"{y:,.0f}") for y in y_values], x_title)


def spectrum_chart(title: str, waves: Mapping[str, tuple[np.ndarray, int]], range_db: float = 80.0) -> Chart:
    """The magnitude of the Fourier transform of whole waveforms, in dB below each one's peak.

    Each of 300 columns shows the largest value within it.

    Args:
        waves: name in the legend to samples (T,) and rate in Hz.
        range_db: where the axis ends.
    """
    import numpy as np

    columns, top = 300, max(rate for _, rate in waves.values()) / 2
    lines = {}
    for name, (wave, rate) in waves.items():
        magnitude = np.abs(np.fft.rfft(wave, max(len(wave), 2 * columns)))
        db = 20 * np.log10(np.maximum(magnitude / max(magnitude.max(), 1e-9), 1e-9))
        starts = np.unique(np.arange(columns) * len(db) // columns)
        highest = np.clip(np.maximum.reduceat(db, starts), -range_db, 0).tolist()
        shares = (starts / len(db) * rate / 2 / top).tolist()
        lines[name] = [Point(x_at(x), y_at(1 + y / range_db), "") for x, y in zip(shares, highest, strict=True)]
    return Chart(
        title=title,
        lines=lines,
        x_ticks=[Tick(x_at(share), label) for share, label in marks(top / 1000, 8)],
        y_ticks=[Tick(y_at(1 - db / range_db), f"{-db or 0:g} dB") for db in ticks(0, range_db, 4)],
        marker=None,
        x_title="frequency in kHz",
    )


def outline(wave: np.ndarray, peak: float) -> str:
    """The lowest and highest sample of (T,) in each of up to 380 columns, as SVG points within 380 x 90.

    The middle is 0, and the upper and lower edge are `peak` and `-peak`.
    """
    import numpy as np

    columns = min(380, len(wave))
    starts = np.arange(columns) * len(wave) // columns
    x = np.arange(columns) * 380 / columns
    rows = [45 - 45 * reduce.reduceat(wave, starts) / peak for reduce in (np.maximum, np.minimum)]
    upper, lower = ([f"{a:.4g},{b:.4g}" for a, b in zip(x, row, strict=True)] for row in rows)
    return " ".join([*upper, *reversed(lower)])


def x_at(share: float) -> float:
    """A share of a chart's width, in SVG user units."""
    return round(LEFT + share * (RIGHT - LEFT), 2)


def y_at(share: float) -> float:
    """A share of a chart's height, from its foot up, in SVG user units."""
    return round(BOTTOM - share * (BOTTOM - TOP), 2)

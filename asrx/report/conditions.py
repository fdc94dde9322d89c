"""Where a system fails: its figure by speaker, length and whatever else the data say of an utterance, such as accent or
SNR, and whether it differs there from what it is elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from asrx.report.errors import Judged, Kind
from asrx.report.folder import Prediction
from asrx.report.significance import LEVEL, RESAMPLES, holm, interval, p_value, resampled_rates

FEWEST = 5  # utterances of a value; fewer say nothing
MOST = 30  # values of a column, unless they are numbers, which are divided into quarters
CELLS = 50_000_000  # draws of the bootstrap at most


class Group(NamedTuple):
    """The utterances of which a column has one value, or a number within a quarter, by their places."""

    column: str
    value: str
    places: np.ndarray


class Slice(NamedTuple):
    """A system on one group: its figure (0 to 1) and 95 % interval, its figure on all others, and the p value of their
    difference, adjusted for the number of groups."""

    value: str
    utterances: int
    figure: float
    interval: tuple[float, float]
    rest: float
    p: float

    @property
    def differs(self) -> bool:
        return self.p < LEVEL


def groups(predictions: Sequence[Prediction]) -> list[Group]:
    """Of each column at least two, none with fewer than `FEWEST` utterances; a column with too many values that are no
    numbers has none, nor has one of which every utterance has a value of its own."""
    columns = dict.fromkeys(name for one in predictions for name in _said(one))
    found = []
    for column in columns:
        values = [_said(one).get(column) for one in predictions]
        own = list(_divided(values))
        if len(own) > 1:
            found += [Group(column, value, np.array(places)) for value, places in own]
    return found


def conditions(kind: Kind, judged: Sequence[Judged]) -> dict[str, list[Slice]]:
    """The slices of a run's test by column, the worst first.

    The bootstrap draws single utterances: the question is how a system does on more speech of the same kind.
    """
    found = groups([one.prediction for one in judged])
    if not found:
        return {}
    errors_N, units_N = (np.array([getattr(one, name) for one in judged], float) for name in ("errors", "units"))
    inside_GN = np.zeros((len(found), len(judged)), bool)
    for row_N, group in zip(inside_GN, found, strict=True):
        row_N[group.places] = True
    masks = np.concatenate([inside_GN, ~inside_GN])
    resamples = max(1000, min(RESAMPLES, CELLS // len(judged)))
    rates = resampled_rates(masks * errors_N, masks * units_N, np.arange(len(judged)), resamples)
    here_GR, rest_GR = np.split(kind.figure(rates), 2)
    adjusted = holm(np.array([p_value(one - other) for one, other in zip(here_GR, rest_GR, strict=True)]))
    figures = kind.figure(masks @ errors_N / np.maximum(masks @ units_N, 1))
    slices: dict[str, list[Slice]] = {}
    for place, (group, here_R, p) in enumerate(zip(found, here_GR, adjusted, strict=True)):
        own = Slice(
            group.value,
            len(group.places),
            float(figures[place]),
            interval(here_R),
            float(figures[len(found) + place]),
            float(p),
        )
        slices.setdefault(group.column, []).append(own)
    sign = np.sign(kind.figure(1) - kind.figure(0))  # 1 where a greater figure is worse
    return {column: sorted(own, key=lambda one: -sign * one.figure) for column, own in slices.items()}


def _said(one: Prediction) -> Mapping[str, str | int | float]:
    """What is known of an utterance, by column."""
    known = {"speaker": one.speaker, "seconds": one.seconds, **one.tags}
    return {name: value for name, value in known.items() if value is not None}


def _divided(values: Sequence[str | int | float | None]) -> Iterable[tuple[str, list[int]]]:
    """The places of each value, or of each quarter of numbers."""
    numbers = [_number(value) for value in values if value is not None]
    distinct = Counter(value for value in values if value is not None)
    if None not in numbers and len(distinct) > 4:
        edges = np.unique(np.quantile(numbers, [0.25, 0.5, 0.75]))
        labels = [None if value is None else int(np.searchsorted(edges, _number(value), "right")) for value in values]
        names = [f"below {edges[0]:.3g}", *(f"{a:.3g} to {b:.3g}" for a, b in pairwise(edges))]
        names.append(f"{edges[-1]:.3g} and more")
    elif len(distinct) > MOST and len(distinct) > len(values) / FEWEST:
        return
    else:
        names = sorted(map(str, distinct))
        labels = [None if value is None else names.index(str(value)) for value in values]
    for label, name in enumerate(names):
        places = [place for place, own in enumerate(labels) if own == label]
        if len(places) >= FEWEST:
            yield name, places


def _number(value: str | int | float) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if np.isfinite(number) else None

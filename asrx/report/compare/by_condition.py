"""Systems beside each other on each kind of utterance: who is better where."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from asrx.report.compare.ranking import BEST, BETTER, WITHIN, WORSE, Ranking
from asrx.report.conditions import CELLS, groups
from asrx.report.significance import LEVEL, RESAMPLES, holm, p_value, resampled_rates

SHOWN = 6  # systems


class Cell(NamedTuple):
    """A system's figure (0 to 1) on a group, beside that of the system that is best over all."""

    figure: float
    verdict: str  # BEST, WITHIN, WORSE or BETTER


class Row(NamedTuple):
    """A group of utterances, and the first systems of the ranking on it."""

    value: str
    utterances: int
    cells: list[Cell]


def by_condition(ranking: Ranking) -> dict[str, list[Row]]:
    """The rows of each column, see `asrx.report.conditions.groups`, over the utterances that all these systems
    answered; nothing where there are none, or a single system."""
    systems = [standing.system for standing in ranking.standings[:SHOWN]]
    names = sorted(set.intersection(*(set(system.counts) for system in systems)))
    found = groups([systems[0].counts[name].prediction for name in names]) if names and len(systems) > 1 else []
    if not found:
        return {}
    counts_SN2 = np.array([[system.counts[name][:2] for name in names] for system in systems], dtype=float)
    inside_GN = np.zeros((len(found), len(names)), bool)
    for row_N, group in zip(inside_GN, found, strict=True):
        row_N[group.places] = True
    # rows are a group's systems, then the next group's
    errors, units = ((inside_GN[:, None] * counts_SN2[None, ..., i]).reshape(-1, len(names)) for i in (0, 1))
    resamples = max(1000, min(RESAMPLES, CELLS // len(names)))
    rates_GSR = resampled_rates(errors, units, np.arange(len(names)), resamples).reshape(len(found), len(systems), -1)
    figures_GSR = ranking.kind.figure(rates_GSR)
    figures_GS = ranking.kind.figure(errors.sum(1) / np.maximum(units.sum(1), 1)).reshape(len(found), -1)
    tests = [p_value(other_R - best_R) for best_R, *others in figures_GSR for other_R in others]
    adjusted_GS = holm(np.array(tests)).reshape(len(found), -1)
    worse = np.sign(ranking.kind.figure(1) - ranking.kind.figure(0))
    rows: dict[str, list[Row]] = {}
    for group, (best, *others), p_S in zip(found, figures_GS.tolist(), adjusted_GS, strict=True):
        cells = [Cell(best, BEST)]
        for figure, p in zip(others, p_S, strict=True):
            cells.append(Cell(figure, WITHIN if p >= LEVEL else WORSE if worse * (figure - best) > 0 else BETTER))
        rows.setdefault(group.column, []).append(Row(group.value, len(group.places), cells))
    return rows

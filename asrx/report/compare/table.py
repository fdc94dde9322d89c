"""The comparison as a table: its cells as text, for the terminal and the page, and compare.csv."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from asrx.report.compare.ranking import BEST, Ranking, Standing, caveats, verdict
from asrx.report.compare.systems import System, varied, written
from asrx.report.document import clock
from asrx.report.terminal import HEADLINES, aligned

LINES = 20  # of the table in the terminal
NONE = "-"


class Cell(NamedTuple):
    """What a cell shows, and the number that it is sorted by; None where it is sorted as text."""

    text: str
    value: float | None


class Row(NamedTuple):
    """A ranked system; figures are shown in per cent, differences in points of them. The page filters by `words`."""

    rank: Cell
    name: str
    params: list[Cell]
    score: Cell
    figure: Cell
    interval: Cell
    difference: Cell
    difference_interval: Cell
    p: Cell
    adjusted: Cell
    shared: Cell
    verdict: str
    parameters: Cell
    steps: Cell
    time: Cell
    words: str


class Unranked(NamedTuple):
    """A system that was not tested; as a `Row`."""

    name: str
    state: str
    score: Cell
    params: list[Cell]
    steps: Cell
    time: Cell
    reason: str
    words: str


def everything(ranking: Ranking) -> list[System]:
    """All systems: the ranked ones, then those without a result."""
    return [*(standing.system for standing in ranking.standings), *ranking.untested]


def rows(ranking: Ranking, keys: Sequence[str]) -> list[Row]:
    """The ranked systems; `keys` are the parameters shown."""
    return [_row(standing, keys) for standing in ranking.standings]


def unranked(ranking: Ranking, keys: Sequence[str]) -> list[Unranked]:
    """The systems without a result; `keys` are the parameters shown."""
    return [_unranked(system, keys) for system in ranking.untested]


def terminal_text(ranking: Ranking) -> str:
    """The best of the ranked systems, and the verdict."""
    metric = [ranking.metric] if ranking.metric else []
    figure = f"{HEADLINES[ranking.headline]} in %"
    head = ["system", *metric, figure, "95 % interval", "less the best's", "adjusted p", ""]
    lines = [
        [
            row.name,
            *([row.score.text] if metric else []),
            row.figure.text,
            row.interval.text,
            row.difference.text,
            row.adjusted.text,
            row.verdict,
        ]
        for row in rows(ranking, [])[:LINES]
    ]
    text = [aligned([head, *lines], words=1)]
    if (more := len(ranking.standings) - LINES) > 0:
        text.append(f"and {more} more")
    return "\n".join([*text, f"{verdict(ranking)}.", *caveats(ranking)])


def csv_text(ranking: Ranking) -> str:
    """A row for each system and a column for each fact; rates are from 0 to 1, what is unknown is empty."""
    keys = varied([system.params for system in everything(ranking)])
    facts = [_facts(ranking.headline, standing.system, standing) for standing in ranking.standings]
    facts += [_facts(ranking.headline, system, None) for system in ranking.untested]
    file = io.StringIO()
    writer = csv.DictWriter(file, [*facts[0], *(f"param/{key}" for key in keys)], lineterminator="\n", restval="")
    writer.writeheader()
    for row, system in zip(facts, everything(ranking), strict=True):
        writer.writerow(row | {f"param/{key}": written(system.params[key]) for key in keys if key in system.params})
    return file.getvalue()


def _row(standing: Standing, keys: Sequence[str]) -> Row:
    system, versus = standing.system, standing.versus
    word = versus.verdict if versus else BEST
    params = _params(system, keys)
    return Row(
        rank=_cell(standing.rank, str),
        name=system.name,
        params=params,
        score=_cell(_score(system), lambda _: _scored(system)),
        figure=_cell(standing.figure, lambda figure: f"{100 * figure:.2f}"),
        interval=_interval(standing.interval),
        difference=_cell(versus and versus.difference, lambda difference: f"{100 * difference:+.2f}"),
        difference_interval=_interval(versus.interval, "+") if versus else Cell(NONE, None),
        p=_cell(versus and versus.p, _p),
        adjusted=_cell(versus and versus.adjusted, _p),
        shared=_cell(versus.shared if versus else len(system.counts), "{:,}".format),
        verdict=word,
        parameters=_cell(system.parameters, "{:,}".format),
        steps=_cell(system.steps, "{:,.0f}".format),
        time=_cell(system.seconds, clock),
        words=_words([system.state, word], keys, params),
    )


def _unranked(system: System, keys: Sequence[str]) -> Unranked:
    params = _params(system, keys)
    return Unranked(
        name=system.name,
        state=system.state,
        score=_cell(_score(system), "{:.4g}".format),
        params=params,
        steps=_cell(system.steps, "{:,.0f}".format),
        time=_cell(system.seconds, clock),
        reason=system.reason or "",
        words=_words([system.state], keys, params),
    )


def _params(system: System, keys: Sequence[str]) -> list[Cell]:
    """Some parameters; what is written as a number is sorted as one, for all overrides of a run are text."""
    return [
        Cell(_value(system.params[key]), _number(system.params[key])) if key in system.params else Cell(NONE, None)
        for key in keys
    ]


def _words(states: Sequence[str], keys: Sequence[str], params: Sequence[Cell]) -> str:
    pairs = [f"{key}={cell.text}" for key, cell in zip(keys, params, strict=True) if cell.text != NONE]
    return ", ".join([*states, *pairs])


def _cell(value: float | None, shown: Callable[[float], str]) -> Cell:
    return Cell(NONE, None) if value is None else Cell(shown(value), value)


def _facts(headline: str, system: System, standing: Standing | None) -> dict[str, Any]:
    search, versus = system.search, standing.versus if standing else None
    return {
        "rank": standing.rank if standing else None,
        "name": system.name,
        "state": system.state,
        "reason": system.reason,
        "folder": system.folder,
        "metric": search.metric if search else None,
        "score": search.score if search else None,
        "score_sd": search.spread if search else None,
        "runs": len(system.curves),
        **_spread(headline, (standing.figure, standing.interval) if standing else None),
        **_spread("difference", (versus.difference, versus.interval) if versus else None),
        "p": versus.p if versus else None,
        "p_adjusted": versus.adjusted if versus else None,
        "verdict": versus.verdict if versus else BEST if standing else None,
        "utterances": len(system.counts) if system.counts else None,
        "shared_utterances": versus.shared if versus else None,
        "parameters": system.parameters,
        "steps": system.steps,
        "seconds": system.seconds,
    }


def _spread(name: str, known: tuple[float, tuple[float, float]] | None) -> dict[str, float | None]:
    figure, (low, high) = known or (None, (None, None))
    return {name: figure, f"{name}_low": low, f"{name}_high": high}


def _score(system: System) -> float | None:
    return system.search.score if system.search else None


def _scored(system: System) -> str:
    spread, runs = system.search.spread, len(system.search.scores)
    return f"{system.search.score:.4g}" + (f" ± {spread:.2g} ({runs})" if spread is not None else "")


def _interval(ends: tuple[float, float], sign: str = "") -> Cell:
    low, high = (f"{100 * end:{sign}.2f}" for end in ends)
    return Cell(f"{low} to {high}", ends[0])


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else written(value)


def _number(value: Any) -> float | None:
    try:
        number = float(written(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None

"""The comparison as a table: its cells as text, for the terminal and the page, and compare.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from asrx.report.compare.ranking import BEST, Ranking, Standing, caveats, verdict
from asrx.report.compare.systems import System, varied, written
from asrx.report.document import clock
from asrx.report.terminal import HEADLINES, aligned

LINES = 20  # of the table in the terminal
NONE = "-"


class Row(NamedTuple):
    """A ranked system in words; figures are in per cent, differences in points of them."""

    rank: str
    name: str
    params: list[str]
    score: str
    figure: str
    interval: str
    difference: str
    difference_interval: str
    p: str
    adjusted: str
    shared: str
    verdict: str
    parameters: str
    steps: str
    time: str


def everything(ranking: Ranking) -> list[System]:
    """All systems: the ranked ones, then those without a result."""
    return [*(standing.system for standing in ranking.standings), *ranking.untested]


def rows(ranking: Ranking, keys: Sequence[str]) -> list[Row]:
    """The ranked systems; `keys` are the parameters shown."""
    return [_row(standing, keys) for standing in ranking.standings]


def values(params: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    """The values of some parameters, for people: of broken numbers, four digits."""
    return [_value(params[key]) if key in params else NONE for key in keys]


def effort(system: System) -> tuple[str, str]:
    """Steps and time."""
    steps = NONE if system.steps is None else f"{system.steps:,.0f}"
    return steps, NONE if system.seconds is None else clock(system.seconds)


def terminal_text(ranking: Ranking) -> str:
    """The best of the ranked systems, and the verdict."""
    metric = [ranking.metric] if ranking.metric else []
    figure = f"{HEADLINES[ranking.headline]} in %"
    head = ["system", *metric, figure, "95 % interval", "less the best's", "adjusted p", ""]
    lines = [
        [
            row.name,
            *([row.score] if metric else []),
            row.figure,
            row.interval,
            row.difference,
            row.adjusted,
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
    steps, time = effort(system)
    return Row(
        rank=str(standing.rank),
        name=system.name,
        params=values(system.params, keys),
        score=_score(system),
        figure=f"{100 * standing.figure:.2f}",
        interval=_interval(standing.interval),
        difference=f"{100 * versus.difference:+.2f}" if versus else NONE,
        difference_interval=_interval(versus.interval, "+") if versus else NONE,
        p=_p(versus.p) if versus else NONE,
        adjusted=_p(versus.adjusted) if versus else NONE,
        shared=f"{versus.shared:,}" if versus else f"{len(system.counts):,}",
        verdict=versus.verdict if versus else BEST,
        parameters=NONE if system.parameters is None else f"{system.parameters:,}",
        steps=steps,
        time=time,
    )


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


def _score(system: System) -> str:
    if system.search is None or system.search.score is None:
        return NONE
    spread, runs = system.search.spread, len(system.search.scores)
    return f"{system.search.score:.4g}" + (f" ± {spread:.2g} ({runs})" if spread is not None else "")


def _interval(ends: tuple[float, float], sign: str = "") -> str:
    low, high = (f"{100 * end:{sign}.2f}" for end in ends)
    return f"{low} to {high}"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else written(value)

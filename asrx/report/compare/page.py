"""The page of `python -m asrx compare`: runs and sweeps beside each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from asrx.report.compare.by_condition import SHOWN, by_condition
from asrx.report.compare.importance import importance
from asrx.report.compare.ranking import Ranking, caveats, verdict
from asrx.report.compare.sweep_figures import history, parallel
from asrx.report.compare.systems import System, varied, written
from asrx.report.compare.table import everything, rows, unranked
from asrx.report.document import render
from asrx.report.errors import Kind
from asrx.report.figures import Chart, line_chart
from asrx.report.significance import LEVEL
from asrx.report.sweep import STATES, Sweep
from asrx.report.terminal import HEADLINES

LABELLED = 12  # learning curves with a colour and a name


class Cost(NamedTuple):
    """What the systems of one state took; `share` is that of all seconds."""

    state: str
    systems: int
    steps: float
    seconds: float
    share: float


def compare_page(ranking: Ranking, sweeps: Sequence[Sweep], command: str) -> str:
    """The page as HTML.

    Args:
        ranking: of all systems.
        sweeps: those that the systems are from.
        command: that writes this page.
    """
    systems = everything(ranking)
    keys = varied([system.params for system in systems])
    metrics = {system.search.metric for system in systems if system.search}
    # page.js finds a system in all figures by its place here
    places = {system.folder: place for place, system in enumerate(systems)}
    return render(
        "compare/page.html.j2",
        name=_title(ranking, sweeps),
        command=command,
        verdict=verdict(ranking),
        caveat=" ".join(caveats(ranking)),
        ranking=ranking,
        keys=keys,
        rows=rows(ranking, keys),
        score=metrics.pop() if len(metrics) == 1 else "score" if metrics else None,
        figure=HEADLINES[ranking.headline],
        part={"val": "validation"}.get(ranking.part, ranking.part),
        same=all(standing.system.counts.keys() == systems[0].counts.keys() for standing in ranking.standings),
        utterances=len(systems[0].counts),
        by_condition=by_condition(ranking),
        unranked=unranked(ranking, keys),
        curves=_curves(systems, ranking.kind, ranking.metric),
        places={system.name: places[system.folder] for system in systems},
        labelled=LABELLED,
        beside=[standing.system.name for standing in ranking.standings[:SHOWN]],
        searches=[
            {
                "sweep": sweep,
                "places": {trial.number: places[trial.folder] for trial in sweep.trials},
                "space": _lines(sweep.space),
                "history": history(sweep),
                "parallel": parallel(sweep),
                "importance": importance(sweep),
            }
            for sweep in sweeps
        ],
        costs=_costs(systems),
        level=LEVEL,
    )


def _title(ranking: Ranking, sweeps: Sequence[Sweep]) -> str:
    runs = sum(system.search is None for system in everything(ranking))
    return " and ".join([*(sweep.path.name for sweep in sweeps), *([f"{runs} run{'s' * (runs > 1)}"] if runs else [])])


def _curves(systems: Sequence[System], kind: Kind, metric: str | None) -> Chart | None:
    """The metric of the sweep, or else the kind's first curve, over the epoch; a line for each system, best first."""
    columns = {column for system in systems for rows in system.curves for row in rows for column in row}
    column = metric if metric in columns else f"val/{kind.curves[0]}"
    epochs: dict[float, dict[str, float]] = defaultdict(dict)
    for system in systems:
        for epoch, value in _mean_curve(system, column).items():
            epochs[epoch][system.name] = value
    merged = [{"epoch": epoch, **row} for epoch, row in sorted(epochs.items())]
    names = {system.name: system.name for system in systems}
    return line_chart(column, merged, names, percent=column.partition("/")[2] in kind.metrics)


def _mean_curve(system: System, column: str) -> dict[float, float]:
    """Over folds and seeds, as far as all of them went."""
    curves = [{row["epoch"]: row[column] for row in rows if row.get(column) is not None} for rows in system.curves]
    curves = [curve for curve in curves if curve]
    shared = set.intersection(*map(set, curves)) if curves else set()
    return {epoch: sum(curve[epoch] for curve in curves) / len(curves) for epoch in shared}


def _costs(systems: Sequence[System]) -> list[Cost]:
    total = sum(system.seconds or 0 for system in systems)
    costs = []
    for state in dict.fromkeys([*STATES, *(system.state for system in systems)]):
        ended = [system for system in systems if system.state == state]
        if ended:
            seconds = sum(system.seconds or 0 for system in ended)
            steps = sum(system.steps or 0 for system in ended)
            costs.append(Cost(state, len(ended), steps, seconds, seconds / total if total else 0))
    return costs


def _lines(space: dict[str, Any], depth: int = 0) -> list[tuple[int, str, str]]:
    """Depth, key and distribution of each line of a search space; what holds for one value alone stands below it."""
    lines = []
    for key, value in space.items():
        below = value if isinstance(value, dict) else {}
        lines.append((depth, key, "" if below else written(value)))
        lines += _lines(below, depth + 1)
    return lines

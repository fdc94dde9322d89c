"""The command `python -m asrx results FOLDER...`: the table of experiments/README.md, from run folders.

    python -m asrx results runs > table.md
    python -m asrx results runs --into experiments/README.md

looks for finished runs of named experiments in the folders and below them, and puts beside each other what was
published, what the experiment as published gives here, and what its corrected twin NAME_corrected gives here, over all
seeds found. Runs that leave out one speaker after the other (dataset.split.speakers) are a row with the mean of their
tests; those that differ in anything else are rows of their own. A second table holds what
`python -m asrx evaluate` found: clean, in noise, and what an answer costs. With --into, the text between the lines
`<!-- results -->` and `<!-- end of results -->` of a file is replaced; rows about other runs stay.
"""

from __future__ import annotations

import os
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple

from omegaconf import OmegaConf

from asrx.commands.answer import answered
from asrx.commands.arguments import Parser
from asrx.config.saved import own_overrides, read_config
from asrx.report.files import RECORDINGS, read_json, read_metrics, read_recordings
from asrx.report.folder import PLACES
from asrx.report.terminal import HEADLINES
from asrx.types import UserError

TWIN = "_corrected"
LEFT_OUT = "dataset.split.speakers="
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
FIGURES = ("wer", "cer", "accuracy")
EVALUATION_HEAD = ["run", "decoding and noise", "clean", "in noise", "parameters", "MMAC/s", "latency, ms"]
HEAD = ["experiment", "data", "published", "as published, here", "corrected, or our own, here", "command"]


class Run(NamedTuple):
    """One finished run of a named experiment; `changes` are its overrides but seed and places, `tested` what it was
    tested on, and empty where an earlier version did not say."""

    experiment: str
    changes: tuple[str, ...]
    seed: int
    data: str
    published: str | None
    metrics: dict[str, Any]
    tested: frozenset[int]
    evaluations: dict[str, dict[str, Any]]

    @property
    def left_out(self) -> str:
        """Who is tested on, where an override says so."""
        return next((change.removeprefix(LEFT_OUT) for change in self.changes if change.startswith(LEFT_OUT)), "")

    @property
    def others(self) -> tuple[str, ...]:
        """Its other changes."""
        return tuple(change for change in self.changes if not change.startswith(LEFT_OUT))


def main() -> None:
    """Entry point; errors are answered as `python -m asrx` does."""
    parser = Parser("results", __doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="folders of runs")
    parser.add_argument("--into", type=Path, metavar="FILE", help="the file to put the table into")
    with answered([]):
        chosen = parser.parse_args()
        runs = list({path.resolve(): run for folder in chosen.folders for path, run in find(folder)}.values())
        text = "\n\n".join(filter(None, [table(runs), evaluations(runs)]))
        if chosen.into:
            insert(text, chosen.into)
        else:
            print(text)


def find(folder: Path) -> Iterator[tuple[Path, Run]]:
    """The finished runs of named experiments in a folder and below it, without the trials of searches; with their
    folders.

    Raises:
        UserError: there is no such folder, or no finished run of a named experiment in it.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder: name one that holds run folders.")
    runs = [(path.parent, run) for path in sorted(folder.rglob("metrics.json")) if (run := _read(path.parent))]
    if not runs:
        raise UserError(f"{folder} holds no finished run of a named experiment: run some, experiments=NAME.")
    yield from runs


def _read(folder: Path) -> Run | None:
    metrics, overrides = read_metrics(folder), own_overrides(folder)
    cfg = OmegaConf.to_container(read_config(folder), resolve=True)
    named = dict(override.split("=", 1) for override in overrides if "=" in override)
    if "experiments" not in named or not metrics["test"] or "trial" in cfg.get("search", {}):
        return None
    skipped = ("experiments=", "seed=", *PLACES)
    # a path of this machine says nothing to others but its last part
    changes = tuple(sorted(re.sub(r"=/\S*/", "=DIR/", o) for o in overrides if not o.startswith(skipped)))
    root = named.get("dataset.root") or cfg["dataset"]["corpus"]["_target_"].rpartition(".")[2]
    data = f"{Path(root).name}, {metrics['test']['utterances']:,.0f} tested"
    tested = read_recordings(folder)[metrics.get("part", "test")] if (folder / RECORDINGS).exists() else ()
    evaluated = read_json(folder / "evaluation.json")
    published = cfg.get("published")
    return Run(named["experiments"], changes, cfg["seed"], data, published, metrics, frozenset(tested), evaluated)


def table(runs: Sequence[Run]) -> str:
    """A Markdown table with a row for each experiment and its twin."""
    tests = defaultdict(set)
    for run in runs:
        tests[run.experiment.removesuffix(TWIN), run.others].add(run.left_out)
    rows = defaultdict(lambda: {False: [], True: []})
    for run in runs:
        name = run.experiment.removesuffix(TWIN)
        left_out = ",".join(sorted(tests[name, run.others] - {""}))
        changes = tuple(sorted([*run.others, LEFT_OUT + left_out])) if run.left_out else run.changes
        rows[name, changes][run.experiment.endswith(TWIN)].append(run)
    lines = [HEAD, ["---"] * len(HEAD)]
    for (name, changes), sides in sorted(rows.items()):
        both = sides[False] + sides[True]
        published = next((run.published for run in both if run.published), "")
        if not published:  # an experiment of nobody else's
            sides = {False: [], True: both}
        # where both ran, their test parts may differ in size
        data = "; ".join(dict.fromkeys(run.data for run in both))
        if any(_differ(side) for side in sides.values()):
            data += " (not all on the same recordings)"
        names = sorted({run.experiment for run in both})
        seeds = ",".join(str(seed) for seed in sorted({run.seed for run in both}))
        command = f"`python -m asrx -m experiments={','.join(names)} dataset.root=DIR seed={seeds}"
        cells = [name, data, published, _figures(sides[False]), _figures(sides[True])]
        lines.append([*cells, " ".join([command, *map(shlex.quote, changes)]) + "`"])
    return _markdown(lines)


def _differ(runs: Sequence[Run]) -> bool:
    """Whether runs that one figure is the mean of were tested on different recordings, unless it is meant."""
    return len({(run.left_out, run.tested) for run in runs}) > len({run.left_out for run in runs})


def evaluations(runs: Sequence[Run]) -> str:
    """A Markdown table of what the runs' evaluation.json hold, a line for each entry; empty where there is none."""
    lines = []
    for run in sorted(runs, key=lambda run: (run.experiment, run.changes, run.seed)):
        for name, found in run.evaluations.items():
            overrides, _, noise = name.rpartition("noise=")
            added = f"{Path(noise).name} noise" if found["snr_db"] else ""
            head = " ".join([f"{run.experiment},", *run.changes, f"seed {run.seed}"]), f"{overrides}{added}".strip()
            noisy = [f"{snr} dB: {_rates(figures)}" for snr, figures in found["snr_db"].items()]
            cost = f"{found['multiply_adds'] / 1e6:.2f}", f"{found['latency_ms']:.1f}"
            lines.append([*head, _rates(found["clean"]), ", ".join(noisy), f"{found['keras_parameters']:,}", *cost])
    return _markdown([EVALUATION_HEAD, ["---"] * len(EVALUATION_HEAD), *lines]) if lines else ""


def _rates(figures: dict[str, float]) -> str:
    return " / ".join(f"{100 * figures[key]:.2f}" for key in FIGURES if key in figures)


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _figures(runs: Sequence[Run]) -> str:
    """Mean and standard deviation over the seeds of the test's headline figures, in per cent; where each run leaves out
    another speaker, the mean of their tests, and each of them."""
    if not runs:
        return ""
    tests = defaultdict(list)
    for run in runs:
        tests[run.left_out].append(run)
    parts = []
    for key in FIGURES:
        values = {
            who: [100 * run.metrics["test"][key] for run in same if key in run.metrics["test"]]
            for who, same in tests.items()
        }
        if not all(values.values()):
            continue
        name = HEADLINES[key]
        if len(values) == 1:
            parts.append(f"{name} {_over_seeds(*values.values(), runs)}")
            continue
        parts.append(f"{name} {mean(map(mean, values.values())):.2f} (mean of {len(values)} tests)")
        parts += [f"{who} {_over_seeds(values[who], tests[who])}" for who in sorted(values)]
    size = runs[0].metrics.get("keras_parameters")
    return ", ".join(parts) + (f"; {size:,} parameters" if size else "")


def _over_seeds(values: Sequence[float], runs: Sequence[Run]) -> str:
    seeds = len({run.seed for run in runs})
    count = f"{seeds} seed{'s' * (seeds > 1)}" + (f", {len(runs)} runs" if len(runs) > seeds else "")
    return f"{mean(values):.2f} ± {stdev(values):.2f} ({count})" if len(values) > 1 else f"{values[0]:.2f} ({count})"


def insert(text: str, path: Path) -> None:
    """Put tables between the marks of a file; rows of its tables whose runs are not in the new ones stay.

    Raises:
        UserError: the file lacks the marks, or cannot be read or written.
    """
    try:
        before, mark, rest = path.read_text(encoding="utf-8").partition(BEGIN)
        old, end, after = rest.partition(END)
        if not (mark and end):
            raise UserError(f"{path} has no line {BEGIN} with a line {END} after it: add them where the table belongs.")
        partial = path.with_suffix(".part")
        partial.write_text(f"{before}{BEGIN}\n{_joined(text, old)}\n{END}{after}", encoding="utf-8")
        os.replace(partial, path)
    except (OSError, UnicodeError) as error:
        raise UserError(
            f"{path} cannot be used ({getattr(error, 'strerror', 'not UTF-8')}): name a file that can be written."
        ) from error


def _joined(new: str, old: str) -> str:
    """The tables of both; of rows about the same runs the new one, with what only the old one knows."""
    tables: dict[str, dict[tuple[str, ...], list[str]]] = {}
    for text in (old, new):
        for head, line, *rows in (part.splitlines() for part in text.strip().split("\n\n") if part.count("\n")):
            known = tables.setdefault(f"{head}\n{line}", {})
            for cells in map(_cells, rows):
                about = _about(head, cells)
                before = known.get(about, [""] * len(cells))
                known[about] = [cell or kept for cell, kept in zip(cells, before, strict=True)]
    return "\n\n".join(f"{head}\n{_markdown([rows[about] for about in sorted(rows)])}" for head, rows in tables.items())


def _about(head: str, cells: Sequence[str]) -> tuple[str, ...]:
    """What a row is about: an experiment and its changes, or a run and how it was evaluated."""
    if head == _markdown([EVALUATION_HEAD]):
        return tuple(cells[:2])
    return cells[0], re.sub(r"(experiments|seed)=\S+", "", cells[-1]).strip("`")


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().removeprefix("|").removesuffix("|").split("|")]

"""The command `python -m asrx evaluate`: trained runs side by side, on their clean test part and in noise.

    python -m asrx evaluate RUN_FOLDER... --noise FOLDER --snr 20 10 0
    python -m asrx evaluate RUN_FOLDER decode=beam --snr
    python -m asrx evaluate RUN_FOLDER -m search=tpe decode=lm decode.lm=FILE 'decode.lm_weight=interval(0,2)'
    python -m asrx evaluate RUN_FOLDER RUN_FOLDER RUN_FOLDER --ensemble
    python -m asrx evaluate RUN_FOLDER RUN_FOLDER --enhance DENOISER --noise FOLDER
    python -m asrx evaluate RUN_FOLDER --separate SEPARATOR

Each run is built anew from its folder and tested on the CPU with the weights that it tested itself. KEY=VALUE changes
its config, as for `python -m asrx`. Every run meets the same noise. The figures are printed as a table and kept in
evaluation.json of each run folder, under the KEY=VALUEs and the noise that they belong to. With -m, ways to decode are
searched on the validation part, without training, and the command that tests the best is printed.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asrx.commands.answer import answered
from asrx.commands.arguments import Parser
from asrx.report.terminal import DECIBELS, HEADLINES, aligned
from asrx.types import UserError

if TYPE_CHECKING:
    from omegaconf import DictConfig

SHOWN = 10  # ways to decode, at most


def main() -> None:
    """Entry point; errors are answered as `python -m asrx` does."""
    overrides: list[str] = []
    with answered(overrides):
        chosen = _arguments().parse_intermixed_args()
        overrides += [word for word in chosen.runs if _is_override(word)]
        named = [Path(word) for word in chosen.runs if not _is_override(word)]
        folders = list({folder.resolve(): folder for folder in named}.values())
        if chosen.multirun:
            print(decoding_table(folders, overrides))
            return
        if chosen.ensemble:
            print(ensemble_table(folders, overrides, chosen.noise, chosen.snr))
            return
        if chosen.separate:
            print(speakers_table(folders, overrides, chosen.separate))
            return
        table, found = evaluate(folders, overrides, chosen.noise, chosen.snr, chosen.enhance)
        print(table, flush=True)  # whatever becomes of the files
        keep(found)


def _arguments() -> Parser:
    parser = Parser("evaluate", __doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN_FOLDER|KEY=VALUE", help="runs, and changes to their configs")
    parser.add_argument("--noise", metavar="FOLDER", help="recordings of noise; white noise without it")
    parser.add_argument(
        "--snr",
        nargs="*",
        type=float,
        metavar="DB",
        default=[20.0, 10.0, 0.0],
        help="ratios of speech to noise, 20 10 0 by default; alone, it leaves noise out",
    )
    parser.add_argument("--enhance", metavar="RUN", help="a run of dataset=mixtures: each run with it in front, too")
    parser.add_argument(
        "--separate",
        metavar="RUN",
        help="a run of dataset=mixtures with two speakers: cpWER of the test part, two of its speakers at once",
    )
    parser.add_argument("-m", "--multirun", action="store_true", help="search decode and its keys on validation")
    parser.add_argument(
        "--ensemble",
        action="store_true",
        help="classifiers: each one's figures, their mean, and those of their averaged probabilities",
    )
    return parser


def _is_override(word: str) -> bool:
    return "=" in word and not Path(word).is_dir()


def evaluate(
    folders: Sequence[Path],
    overrides: Sequence[str],
    noise: str | None,
    snrs: Sequence[float],
    enhance: str | None = None,
) -> tuple[str, dict[Path, dict[str, Any]]]:
    """Test runs again, and measure what they cost.

    Args:
        folders: of the runs.
        overrides: of their configs.
        noise: folder of recordings; None is white noise.
        snrs: signal-to-noise ratios in dB.
        enhance: a run that cleans waveforms: each run is tested without it, and with it in front.

    Returns:
        a table with a line for each run, and which is best in each noise; and what evaluation.json of each run folder
        is to hold: the same and more.

    Raises:
        UserError: a folder holds no run, or what a run needs cannot be had.
    """
    with_it = ["features/enhance=frozen", f"features.enhance.run={enhance}"]
    ways = [[], *([with_it] if enhance else [])]
    systems = {
        (folder, *way): cfg
        for way in ways
        for folder, cfg in _configs(folders, [*overrides, *way], noise, snrs).items()
    }

    from asrx.evaluation.measure import cost, scores
    from asrx.evaluation.noises import noises
    from asrx.evaluation.trained import load
    from asrx.report.files import read_json

    known = {folder: read_json(folder / "evaluation.json") for folder in folders}
    lines = [["run", "figures in %", "clean", *_heads(snrs), "parameters", "as Keras", "MMAC/s", "latency ms", "RTF"]]
    measured = {}
    for (folder, *way), cfg in systems.items():
        trained = load(folder, cfg)
        figures = [scores(trained, added) for added in noises(noise, snrs, cfg.dataset.sample_rate)]
        costs = cost(trained)
        title = f"{folder} + {enhance}" if way else str(folder)
        measured[title] = figures
        lines.append(
            [
                *_cells(title, figures),
                f"{costs['parameters']:,}",
                f"{costs['keras_parameters']:,}",
                f"{costs['multiply_adds'] / 1e6:.2f}",
                f"{costs['latency_ms']:.1f}",
                f"{costs['real_time_factor']:.4f}",
            ]
        )
        name = " ".join([*sorted([*overrides, *way]), f"noise={noise or 'white'}"])
        before = known[folder].get(name, {"snr_db": {}})["snr_db"]
        in_noise = {f"{snr:g}": row for snr, row in zip(snrs, figures[1:], strict=True)}
        known[folder][name] = {"clean": figures[0], "snr_db": before | in_noise} | costs
    table = "\n".join([aligned(lines, words=2), *_best(measured, ["clean", *_heads(snrs)])])
    return table, {folder / "evaluation.json": found for folder, found in known.items()}


def keep(files: Mapping[Path, dict[str, Any]]) -> None:
    """Write what `evaluate` found, wherever that is possible.

    Raises:
        UserError: some files could not be written.
    """
    from asrx.report.files import write_json

    failed = []
    for path, content in files.items():
        try:
            write_json(path, content)
        except OSError as error:
            failed.append(f"{path} ({error.strerror or error})")
    if failed:
        raise UserError(
            f"The figures above were not kept, as what would hold them cannot be written: {', '.join(failed)}."
        )


def ensemble_table(folders: Sequence[Path], overrides: Sequence[str], noise: str | None, snrs: Sequence[float]) -> str:
    """A line for each run, their mean, and the ensemble; the arguments are those of `evaluate`.

    Raises:
        UserError: fewer than two runs, or see `asrx.evaluation.ensemble.ensemble`.
    """
    if len(folders) < 2:
        raise UserError("--ensemble averages two runs or more: name their folders.")
    configs = _configs(folders, overrides, noise, snrs)

    from asrx.evaluation.ensemble import ensemble

    members, mean, together = ensemble(configs, noise, snrs)
    rows = [*zip(map(str, folders), members, strict=True), ("mean of the runs", mean), ("ensemble", together)]
    lines = [["run", "figures in %", "clean", *_heads(snrs)], *(_cells(name, row) for name, row in rows)]
    return aligned(lines, words=2)


def speakers_table(folders: Sequence[Path], overrides: Sequence[str], separate: str) -> str:
    """A line for each run: the cpWER of its test part, two speakers at once, in per cent.

    Raises:
        UserError: see `asrx.evaluation.speakers.cp_rates`.
    """
    configs = _configs(folders, overrides, None, [])

    from asrx.evaluation.speakers import HEARD, cp_rates, separator
    from asrx.evaluation.trained import load

    split = separator(Path(separate))
    rows = [(str(folder), cp_rates(load(folder, cfg), split)) for folder, cfg in configs.items()]
    lines = [["run", *(f"{heard}, cpWER in %" for heard in HEARD)]]
    return aligned([*lines, *([name, *(f"{100 * row[heard]:.2f}" for heard in HEARD)] for name, row in rows)], words=1)


def decoding_table(folders: Sequence[Path], arguments: Sequence[str]) -> str:
    """The best ways to decode, of those that a search tried, and the command that tests the first.

    Raises:
        UserError: see `asrx.search.decoding.search`.
    """
    from asrx.search.decoding import search

    _check_named(folders)
    metric, points = search(folders, arguments)
    shared = set.intersection(*(set(overrides) for overrides, _ in points)) if len(points) > 1 else set()
    rows = [
        [f"{100 * value:.2f}", " ".join(override for override in overrides if override not in shared)]
        for overrides, value in points[:SHOWN]
    ]
    command = shlex.join([*map(str, folders), *points[0][0], "--snr"])
    table = aligned([[f"{metric} in %", "decoding"], *rows], words=2)
    return f"{table}\n{len(points)} tried. The best on the test part: python -m asrx evaluate {command}"


def _check_named(folders: Sequence[Path]) -> None:
    if not folders:
        raise UserError("Name a run folder: python -m asrx evaluate RUN_FOLDER.")


def _configs(
    folders: Sequence[Path], overrides: Sequence[str], noise: str | None, snrs: Sequence[float]
) -> dict[Path, DictConfig]:
    """Of all runs; what can be refused is refused here, before any is loaded."""
    from asrx.config.saved import config_of

    _check_named(folders)
    if strange := [snr for snr in snrs if not isfinite(snr)]:
        raise UserError(f"--snr {strange[0]:g} is no ratio of speech to noise in dB: give a number such as 20.")
    if noise and not Path(noise).is_dir():
        raise UserError(f"--noise {noise} is not a folder: name one that holds recordings of noise.")
    return {folder: config_of(folder, overrides) for folder in folders}


def _best(measured: Mapping[str, list[dict[str, Any]]], conditions: Sequence[str]) -> list[str]:
    """A line for each condition: which of several systems does best in it, by the first figure."""
    if len(measured) < 2:
        return []
    key = next(key for key in (HEADLINES | DECIBELS) if key in next(iter(measured.values()))[0])
    sign = 1 if key in ("wer", "cer") else -1
    best = [min(measured, key=lambda name, i=i: sign * measured[name][i][key]) for i in range(len(conditions))]
    return [f"Best, {condition}: {name}" for condition, name in zip(conditions, best, strict=True)]


def _heads(snrs: Sequence[float]) -> list[str]:
    return [f"{snr:g} dB" for snr in snrs]


def _cells(name: str, figures: list[dict[str, Any]]) -> list[str]:
    """Of a line of the table: what it is of, what its figures are, and the figures."""
    names = HEADLINES | {key: f"{text}, dB" for key, text in DECIBELS.items()}
    keys = [key for key in names if key in figures[0]]
    return [
        name,
        " / ".join(names[key] for key in keys),
        *(" / ".join(f"{row[key] * (1 if key in DECIBELS else 100):.2f}" for key in keys) for row in figures),
    ]

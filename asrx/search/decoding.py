"""A search for how to decode what trained models hear: nothing is trained, and each recording is heard once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import torch
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from asrx.config.build import build
from asrx.config.compose import choices, compose
from asrx.config.saved import config_of
from asrx.evaluation.measure import encoded
from asrx.evaluation.trained import load
from asrx.search.command import metric_of
from asrx.search.methods import Method, Tried
from asrx.search.space import Point, Space
from asrx.training.pipeline import set_search, words_of
from asrx.types import Objective, UserError

KEYS = ("search", "search.trials", "search.seed", "search.metric", "search.direction", "search.space")


class Found(NamedTuple):
    """The metric, and the points tried with their values of it, the best first, each as overrides."""

    metric: str
    points: list[tuple[list[str], float]]


class _Plan(NamedTuple):
    settings: dict[str, Any]
    fixed: list[str]  # overrides that all points share
    space: Space


class _Heard(NamedTuple):
    """A run's objective and the words of its training part; the config's `decode` under each choice of it that the
    space has, or under None; and of each batch of validation log probabilities, lengths in frames, and what was said.
    """

    objective: Objective
    words: list[str]
    nodes: dict[str | None, dict[str, Any]]
    batches: list[tuple[torch.Tensor, torch.Tensor, list[str]]]


def search(folders: Sequence[Path], arguments: Sequence[str]) -> Found:
    """Try ways to decode the validation part.

    Args:
        folders: of runs; of several, the mean of the metric counts.
        arguments: overrides as for `python -m asrx -m search=...`; those that are sweeps are searched.

    Raises:
        UserError: something else than `decode` is searched, or a point or a run cannot be used.
    """
    settings, fixed, space = _planned(arguments)
    configs = [
        [(point, config_of(folder, [*fixed, *space.overrides(point), "test_part=val"])) for point in space.samples()]
        for folder in folders
    ]
    judged = {metric_of(cfg, settings["metric"], settings["direction"]) for own in configs for _, cfg in own}
    if len(judged) > 1:
        raise UserError("These runs are judged by different metrics: search one task at a time.")
    ((metric, direction),) = judged
    if not metric.startswith("val/") or metric == "val/loss":
        raise UserError(f"search.metric={metric} says nothing of how validation was decoded: name val/wer.")
    heard = [_heard(folder, own) for folder, own in zip(folders, configs, strict=True)]
    sign, method = (1 if direction == "min" else -1), build(settings["method"], Method)
    tried: list[Tried] = []
    for _ in tqdm(range(_trials(settings, space)), desc="Decoding", unit="trial"):
        point = method.ask(space, tried, settings["seed"])
        score = mean(_score(one, point, metric.removeprefix("val/")) for one in heard)
        tried.append(Tried(point, sign * score))
    ranked = sorted(tried, key=lambda trial: trial.loss)
    return Found(metric, [([*fixed, *space.overrides(trial.point)], sign * trial.loss) for trial in ranked])


def _planned(arguments: Sequence[str]) -> _Plan:
    parsed = OverridesParser.create().parse_overrides(list(arguments))
    keys = {argument: override.get_key_element() for argument, override in zip(arguments, parsed, strict=True)}
    own = [argument for argument, key in keys.items() if key.partition(".")[0] == "search"]
    if odd := next((keys[argument] for argument in own if keys[argument] not in KEYS), None):
        raise UserError(f"{odd} is of no use where nothing is trained: leave it out; {', '.join(KEYS)} are.")
    settings = OmegaConf.to_container(compose(own).search, resolve=True)
    if "method" not in settings:
        raise UserError("-m searches: say how, search=grid, search=random or search=tpe.")
    sweeps = {o.get_key_element(): o.get_value_string() for o in parsed if o.is_sweep_override()}
    space = Space(settings["space"] | sweeps, lambda group: list(choices(group)))
    if not space.parameters:
        raise UserError("There is nothing to search: give values, such as 'decode.lm_weight=interval(0,2)'.")
    named = {p.key for point in space.samples() for p in space.active(point)}
    if odd := next((key for key in sorted(named) if key.partition(".")[0] != "decode"), None):
        raise UserError(f"{odd} is no key of decode, so a search of it has to train: python -m asrx -m search=...")
    return _Plan(settings, [a for a, key in keys.items() if a not in own and key not in sweeps], space)


def _trials(settings: dict[str, Any], space: Space) -> int:
    n = min((n for n in (settings["trials"], space.size) if n is not None), default=None)
    if n is None:
        raise UserError("This space has no end: say how many points to try with search.trials=N.")
    return n


@torch.inference_mode()
def _heard(folder: Path, configs: Sequence[tuple[Point, DictConfig]]) -> _Heard:
    trained = load(folder, configs[0][1])
    objective, batches = trained.pipeline.objective, []
    for batch, enc_BTD, lengths_B in encoded(trained, None):
        targets = zip(batch.targets.ids_BU.tolist(), batch.targets.lengths_B.tolist(), strict=True)
        said = [objective.text(ids[:n]) for ids, n in targets]
        batches.append((objective.outputs(enc_BTD, lengths_B), lengths_B, said))
    words = words_of(objective, [u.text for u in trained.data.utterances["train"]])
    nodes = {point.get("decode"): OmegaConf.to_container(cfg.decode) for point, cfg in configs}
    return _Heard(objective, words, nodes, batches)


def _score(heard: _Heard, point: Point, figure: str) -> float:
    objective = heard.objective
    # composing takes longer than decoding, and every choice of the space has been composed and checked
    keys = {key.removeprefix("decode."): value for key, value in point.items() if key != "decode"}
    set_search(OmegaConf.create(heard.nodes[point.get("decode")] | keys), objective, heard.words)
    figures = objective.metrics()
    for logp, lengths_B, said in heard.batches:
        figures.update(said, [hypothesis.text for hypothesis in objective.decoder(logp, lengths_B)])
    return figures.compute()[figure]

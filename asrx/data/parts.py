"""The parts of a mix: data sets of their own, each as `dataset=NAME` has it, with a weight."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from asrx.config.check import check
from asrx.config.compose import choices, compose, nearest
from asrx.types import UserError, Utterance

NO_PARTS = ("mix", "images")  # of the choices of `dataset`
OWN = (
    "root",
    "sample_rate",
    "official",
    "corpus",
    "split",
)  # keys that a part has for itself


def composed(parts: Mapping[str, Mapping[str, Any]] | None) -> dict[str, DictConfig]:
    """The config of each part, as if it were alone.

    Args:
        parts: by their names: `dataset`, perhaps `weight`, `split` (a choice, keys of the data set's own one, or both,
            then the choice as `choice`), and keys of the data set.

    Raises:
        UserError: there is none, a name cannot stand in a path, or a part has what no data set has.
    """
    if not parts:
        raise UserError("dataset.parts is empty: name the data sets, dataset.parts={a: {dataset: an4, root: DIR}, ...}")
    weights(parts)
    return {name: _composed(f"dataset.parts.{name}", str(name), part) for name, part in parts.items()}


def weights(parts: Mapping[str, Mapping[str, Any]] | None) -> dict[str, float]:
    """How much of an epoch each part makes up; empty where none says, and each is as much as it has.

    Raises:
        UserError: a part is no mapping; a weight is no number above 0, or some parts have none.
    """
    parts = parts or {}
    for name, part in parts.items():
        if not isinstance(part, Mapping):
            raise UserError(f"dataset.parts.{name}={part} is no part: write {name}: {{dataset: an4, weight: 1}}.")
    given = {name: part["weight"] for name, part in parts.items() if part.get("weight") is not None}
    for name, weight in given.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < float("inf"):
            raise UserError(f"dataset.parts.{name}.weight={weight} should be a number above 0.")
    if given and (left := next((name for name in parts if name not in given), None)) is not None:
        raise UserError(f"dataset.parts.{left} has no weight, and others have: give every part one, or none.")
    return given


def told(
    utterances: Iterable[Utterance], encode: Callable[[str], list[int]], text: Callable[[Sequence[int]], str]
) -> str:
    """What is to be said of labels that only one of the parts trains, as when one writes `7` and another `seven`; empty
    where there are none.

    Args:
        utterances: of the training part.
        encode, text: of the objective.
    """
    labels: dict[str, set[int]] = defaultdict(set)
    for u in utterances:
        labels[u.corpus].update(encode(u.text))
    said = []
    for name, own in labels.items() if len(labels) > 1 else ():
        alone = own.difference(*(other for corpus, other in labels.items() if corpus != name))
        if alone:
            some = ", ".join(repr(text([label])) for label in sorted(alone)[:5])
            said.append(f"{name} {len(alone)} of its {len(own)}, such as {some}")
    return f"Labels that one part alone trains: {'; '.join(said)}." if said else ""


def _composed(place: str, name: str, part: Mapping[str, Any]) -> DictConfig:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise UserError(f"{place}: give the part a name of letters, digits, - and _.")
    chosen, known = part.get("dataset"), [name for name in choices("dataset") if name not in NO_PARTS]
    if chosen not in known:
        raise UserError(f"{place}.dataset={chosen} is none of {', '.join(known)}.{nearest(str(chosen), known)}")
    own = {key: value for key, value in part.items() if key not in ("dataset", "weight")}
    split, own["split"] = _split(own.get("split"))
    if split and split not in choices("dataset/split"):
        known = choices("dataset/split")
        raise UserError(f"{place}.split={split} is none of {', '.join(known)}.{nearest(split, known)}")
    if common := next((key for key in own if key in _plain("dataset=mix")["dataset"] and key not in OWN), None):
        raise UserError(f"{place}.{common} is one for all parts: say dataset.{common}.")
    alone = _plain(f"dataset={chosen}", *([f"dataset/split={split}"] if split else []))
    try:
        cfg = OmegaConf.create(alone)  # takes any key: `check` says which do not exist
        cfg.merge_with({"dataset": own})
        check(cfg, OmegaConf.create(alone))
        return cfg
    except UserError as error:
        raise UserError(f"{place}: {error}") from None
    except OmegaConfBaseException as error:
        raise UserError(f"{place}: {str(error).splitlines()[0]}.") from None


def _split(given: Any) -> tuple[str, Mapping[str, Any]]:
    """The choice of `dataset/split`, empty where none is made, and keys of it."""
    if not isinstance(given, Mapping):
        return str(given or ""), {}
    return str(given.get("choice", "")), {key: value for key, value in given.items() if key != "choice"}


@cache
def _plain(*overrides: str) -> dict[str, Any]:
    """What overrides compose to, which takes a while."""
    return OmegaConf.to_container(compose(list(overrides)))

"""Whether the values of a config are of the kinds that their keys take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf

from asrx.config.annotations import fits, is_plain, words
from asrx.config.kinds import TEXTS, at
from asrx.config.signatures import annotations
from asrx.types import UserError

RANGES = {  # least and most, where asrx itself uses the number
    "seed": (0, 2**63 - 1),
    "augment.offline.seed": (0, 2**63 - 1),
    "dataset.workers": (0, None),
    "dataset.batch_size": (1, None),
    "dataset.buckets": (1, None),
    "dataset.sample_rate": (1, None),
}
# settings that have two words to choose from
WORDS = {
    "dataset.on_bad": ("error", "skip"),
    "dataset.shared": ("error", "allow"),
    "tested": ("best", "last"),
    "test_part": ("test", "val"),
}

# what a value is by its default
KINDS = (
    (bool, "true or false"),
    ((int, float), "a number"),
    (list, "a list"),
    (dict, "a mapping"),
    (str, "a text"),
)


def check_kinds(node: Any, written: Any, allowed: Any, path: tuple[str, ...] = ()) -> None:
    """Refuse a value that is not of its argument's kind, by its annotation, or of that of its default.

    Args:
        node: a resolved config, whose classes are known to exist.
        written: the same before it was resolved.
        allowed: the same as it is by default.
        path: of the node.

    Raises:
        UserError: as it says.
    """
    if isinstance(node, list):
        for i, (value, text) in enumerate(zip(node, written, strict=True)):
            if isinstance(value, dict | list) and isinstance(text, dict | list):
                check_kinds(value, text, None, (*path, str(i)))
        return
    known = annotations(node["_target_"]) if "_target_" in node else {}
    for key, value in node.items():
        name, text = str(key), written[key]
        default = allowed.get(name) if isinstance(allowed, dict) else None
        # of a value that is another key's, that key is named
        other = re.fullmatch(r"\$\{([\w.]+)\}", text) if isinstance(text, str) else None
        where = other[1] if other else ".".join((*path, name))
        if (annotation := known.get(name)) and is_plain(annotation):
            if not fits(value, annotation):
                raise UserError(f"{where}={shown(value)} should be {words(annotation)}{_such_as(default)}.")
        elif not name.startswith("_"):
            _check_kind(where, value, default)
        if isinstance(value, dict | list) and isinstance(text, dict | list):
            check_kinds(value, text, default, (*path, name))


def _check_kind(where: str, value: Any, default: Any) -> None:
    if isinstance(default, str) and ("${" in default or default == "???"):
        return  # its kind is unknown
    for types, kind in KINDS:
        if not isinstance(default, types):
            continue
        is_class = isinstance(default, dict) and "_target_" in default
        fitting = isinstance(value, types) and (isinstance(value, bool) is (types is bool))
        if not fitting and not (value is None and is_class):
            raise UserError(f"{where}={shown(value)} should be {kind}{_such_as(default)}.")
        return


def shown(value: Any) -> str:
    """As it is written in YAML."""
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def _such_as(default: Any) -> str:
    told = isinstance(default, bool | int | float | list) or (
        default and isinstance(default, str) and "$" not in default
    )
    return f", such as {json.dumps(default)}" if told and default != "???" else ""


def check_texts(plain: dict[str, Any]) -> None:
    """Refuse other than texts, where a text is nothing by default."""
    for key in TEXTS:
        if not isinstance(at(plain, key), str | None):
            raise UserError(f"{key}={at(plain, key)} should be a text.")


def check_numbers(plain: dict[str, Any], whole: Iterable[str]) -> None:
    """Refuse fractions at the keys of whole numbers, and what lies outside RANGES."""
    for key in sorted(whole):
        value, (least, most) = at(plain, key), RANGES.get(key, (None, None))
        if value is None or isinstance(value, str):  # an interpolation; other texts were refused
            continue
        below = least is not None and value < least
        if type(value) is not int or below or (most is not None and value > most):
            bounds = (f" from {least}" if least is not None else "") + (f" to {most}" if most is not None else "")
            raise UserError(f"{key}={value} should be a whole number{bounds}.")


def check_rates(resolved: dict[str, Any]) -> None:
    """Refuse a class that takes the waveforms for ones of another rate."""
    rate = at(resolved, "dataset.sample_rate")
    for part in ("features", "augment"):
        for key, other in _rates(resolved[part], part):
            if other != rate:
                raise UserError(
                    f"{key}={other} is not the rate of the waveforms, dataset.sample_rate={rate}: set that."
                )


def _rates(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, value in inner:
        if name == "sample_rate":
            yield f"{path}.{name}", value
        yield from _rates(value, f"{path}.{name}")


def check_words(cfg: DictConfig) -> None:
    """Refuse a setting that is neither of its two words.

    Raises:
        UserError: as it says.
    """
    for key, options in WORDS.items():
        if (chosen := OmegaConf.select(cfg, key)) not in options:
            raise UserError(f"{key}={chosen} is neither {' nor '.join(options)}.")

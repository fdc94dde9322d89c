"""Whether a config is right: every key exists, every value is there and of its kind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from asrx.config.components import check_package
from asrx.config.compose import choices, compose, groups, nearest
from asrx.config.kinds import at, kinds
from asrx.config.signatures import signature
from asrx.types import UserError

# Settings that have two words to choose from.
RANGES = {  # least and most, where asrx itself uses the number
    "seed": (0, 2**63 - 1),
    "augment.offline.seed": (0, 2**63 - 1),
    "dataset.workers": (0, None),
    "dataset.batch_size": (1, None),
    "dataset.buckets": (1, None),
    "dataset.sample_rate": (1, None),
}
WORDS = {"dataset.on_bad": ("error", "skip"), "tested": ("best", "last"), "test_part": ("test", "val")}


def checked(overrides: Sequence[str]) -> DictConfig:
    """What the overrides of a command compose to, after its check.

    Raises:
        UserError: see `check`.
    """
    cfg = compose(list(overrides))
    check(cfg, compose([override for override in overrides if override.partition("=")[0] in groups()]))
    return cfg


def check(cfg: DictConfig, allowed: DictConfig) -> None:
    """Refuse a config that names what does not exist, before anything heavy is imported.

    Args:
        cfg: the composed config.
        allowed: the config of the same group choices without any other override: its keys are those that exist.

    Raises:
        UserError: a key that its class does not take, a key outside all groups, or a value still missing.
    """
    plain = OmegaConf.to_container(cfg, resolve=False)
    for group in ("dataset", "features", "augment", "model", "optimizer", "trainer", "logger"):
        if not isinstance(plain.get(group), dict):
            raise UserError(f"{group} has no choice: give one of {', '.join(choices(group))}.")
    if missing := next(_missing(plain), None):
        raise UserError(f"{missing} has no value yet: give it on the command line, {missing}=...")
    if not is_search(cfg):
        plain.pop("search", None)  # with search=none, what an experiment says of its search is idle
    _check_keys(plain, OmegaConf.to_container(allowed, resolve=False))
    _check_numbers(cfg, allowed)
    try:
        OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException as error:
        raise UserError(f"{error.full_key}: {error.msg.splitlines()[0]}.") from None


def _check_numbers(cfg: DictConfig, allowed: DictConfig) -> None:
    """Whole numbers are whole, and those of RANGES within them."""
    plain = OmegaConf.to_container(cfg, resolve=False)
    for key in sorted(kinds(allowed).whole | kinds(cfg).whole):
        value, (least, most) = at(plain, key), RANGES.get(key, (None, None))
        if value is None or isinstance(value, str):  # an interpolation; other texts were refused
            continue
        below = least is not None and value < least
        if type(value) is not int or below or (most is not None and value > most):
            bounds = (f" from {least}" if least is not None else "") + (f" to {most}" if most is not None else "")
            raise UserError(f"{key}={value} should be a whole number{bounds}.")


def check_words(cfg: DictConfig) -> None:
    """Refuse a setting that is neither of its two words.

    Raises:
        UserError: as it says.
    """
    for key, words in WORDS.items():
        if (chosen := OmegaConf.select(cfg, key)) not in words:
            raise UserError(f"{key}={chosen} is neither {' nor '.join(words)}.")


def check_group(cfg: DictConfig, group: str, allowed: DictConfig) -> None:
    """As `check`, but only the keys of one group.

    Raises:
        UserError: a key that does not exist, or a value of another kind.
    """
    plain, known = (OmegaConf.to_container(one, resolve=False) for one in (cfg, allowed))
    _check_keys({group: plain[group]}, {group: known[group]})


def is_search(cfg: DictConfig) -> bool:
    """Whether the config has one of the choices of `search`."""
    return OmegaConf.select(cfg, "search.method._target_") is not None


def _missing(node: Any, path: str = "") -> Iterator[str]:
    """Paths of the values that are still `???`."""
    if node == "???":
        yield path
    for name, value in node.items() if isinstance(node, dict) else ():
        yield from _missing(value, f"{path}.{name}".lstrip("."))


def _check_keys(node: dict, allowed: dict, path: tuple[str, ...] = ()) -> None:
    target = node.get("_target_")
    known = _arguments(target, path) if target else None
    for name, value in node.items():
        where = ".".join((*path, name))
        is_group = isinstance(value, dict) and "_target_" in value and name in allowed  # such as optimizer.schedule
        if known is not None and name not in known and not name.startswith("_") and not is_group:
            taken = ", ".join(sorted(known))
            raise UserError(
                f"{where}: {target} takes no argument {name}.{nearest(name, known)} It takes {taken or 'none'}."
            )
        if not target and allowed and name not in allowed:
            raise UserError(f"{where} is no key of this config.{nearest(name, allowed)} It has {', '.join(allowed)}.")
        if value is None and not target and isinstance(allowed.get(name), int | float | list):
            kind = "a list" if isinstance(allowed[name], list) else "a number"
            raise UserError(f"{where}=null should be {kind}, such as {allowed[name]}.")
        if "str" not in (known or {}).get(name, ""):
            _check_kind(where, value, allowed.get(name))
        # a mapping that is an argument is the class's own business
        if isinstance(value, dict) and ("_target_" in value or not target):
            _check_keys(value, allowed.get(name) or {}, (*path, name))
        for place, item in _items(value, (*path, name)):
            _check_keys(item, {}, place)


def _items(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict]]:
    """The mappings in a list, and in the lists in it, each with its path."""
    for i, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield (*path, str(i)), item
        yield from _items(item, (*path, str(i)))


def _check_kind(where: str, value: Any, default: Any) -> None:
    """A word where the config has a number, a list or a switch is a slip; None and interpolations are not judged."""
    if value is None or (isinstance(value, str) and "${" in value):
        return
    for types, words in (((bool,), "true or false"), ((int, float), "a number"), ((list,), "a list")):
        if isinstance(default, types):
            if not isinstance(value, types):
                raise UserError(f"{where}={value} should be {words}, such as {json.dumps(default)}.")
            return


def _arguments(target: str, path: tuple[str, ...]) -> dict[str, str] | None:
    """What the YAML may give the target, each with its annotation; None where it takes anything."""
    try:
        check_package(target)
        known = signature(target)
    except LookupError as error:
        raise UserError(f"{'.'.join(path)}._target_={target}: {error}.") from None
    except UserError as error:
        raise UserError(f"{'.'.join(path)}: {error}") from None
    if known is None or known.open:
        return None
    return known.arguments

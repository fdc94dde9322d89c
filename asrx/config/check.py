"""Whether a config is right: every key exists, every value is there and of its kind (`asrx.config.values`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from asrx.config.components import check_package, is_there
from asrx.config.compose import choices, compose, groups, nearest
from asrx.config.kinds import at, kinds
from asrx.config.several import several
from asrx.config.signatures import signature
from asrx.config.values import check_kinds, check_numbers, check_rates, check_texts
from asrx.types import UserError

# what every run needs, made of a class
PARTS = (
    *("dataset.corpus", "dataset.split", "features", "model.encoder", "model.objective", "decode"),
    *("optimizer", "optimizer.schedule", "trainer"),
)


def checked(overrides: Sequence[str]) -> DictConfig:
    """What the overrides of a command compose to, after its check.

    Raises:
        UserError: see `check` and `several`.
    """
    cfg = compose(list(overrides))
    several(overrides)
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
    plain, known = (OmegaConf.to_container(one, resolve=False) for one in (cfg, allowed))
    for group in ("dataset", "features", "augment", "model", "decode", "optimizer", "trainer", "logger"):
        if not isinstance(plain.get(group), dict):
            raise UserError(f"{group} has no choice: give one of {', '.join(choices(group))}.")
    if missing := next(_missing(plain), None):
        raise UserError(f"{missing} has no value yet: give it on the command line, {missing}=...")
    if not is_search(cfg):
        for one in (plain, known):
            one.pop("search", None)  # with search=none, what an experiment says of its search is idle
    for part in PARTS:
        if not isinstance(node := at(plain, part), dict) or "_target_" not in node:
            group = part.replace(".", "/")
            options = ", ".join(choices(group))
            advice = f"choose one for {group}, {options}" if options else "leave it as it was"
            raise UserError(f"{part} is no class: {advice}.")
    _check_keys(plain, known)
    try:
        resolved = OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException as error:
        raise UserError(f"{error.full_key}: {error.msg.splitlines()[0]}.") from None
    check_kinds({name: resolved[name] for name in plain}, plain, known)
    check_rates(resolved)
    check_texts(plain)
    check_numbers(plain, kinds(allowed).whole | kinds(cfg).whole)


def check_group(cfg: DictConfig, group: str, allowed: DictConfig) -> None:
    """As `check`, but only the keys of one group.

    Raises:
        UserError: a key that does not exist, or a value of another kind.
    """
    plain, known = ({group: OmegaConf.to_container(one[group], resolve=False)} for one in (cfg, allowed))
    _check_keys(plain, known)
    check_kinds(plain, plain, known)


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
    """Every key is one of the config's, and those that asrx itself looks at are there."""
    target = node.get("_target_")
    is_class = "_target_" in node
    known = _arguments(target, path) if is_class else None
    needed = allowed if (not is_class or path == ("trainer",)) and path != ("logger",) else ()
    if gone := next((name for name in needed if name not in node), None):
        raise UserError(f"{'.'.join((*path, gone))} is missing from the config: leave out what takes it away.")
    for key, value in node.items():
        name = str(key)
        where = ".".join((*path, name))
        is_group = isinstance(value, dict) and name in allowed  # such as optimizer.schedule
        if known is not None and name not in known and not name.startswith("_") and not is_group:
            taken = ", ".join(sorted(known))
            raise UserError(
                f"{where}: {target} takes no argument {name}.{nearest(name, known)} It takes {taken or 'none'}."
            )
        if not is_class and allowed and name not in allowed:
            raise UserError(f"{where} is no key of this config.{nearest(name, allowed)} It has {', '.join(allowed)}.")
        # a mapping that is an argument is the class's own business
        if isinstance(value, dict) and ("_target_" in value or not is_class):
            below = allowed.get(name)
            _check_keys(value, below if isinstance(below, dict) else {}, (*path, name))
        for place, item in _items(value, (*path, name)):
            _check_keys(item, {}, place)


def _items(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict]]:
    """The mappings in a list, and in the lists in it, each with its path."""
    for i, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield (*path, str(i)), item
        yield from _items(item, (*path, str(i)))


def _arguments(target: str, path: tuple[str, ...]) -> dict[str, str] | None:
    """What the YAML may give the target, each with its annotation; None where it takes anything."""
    try:
        check_package(target)
        known = signature(target)
    except LookupError as error:  # its source does not show it
        if is_there(target):
            return None
        raise UserError(f"{'.'.join(path)}._target_={target}: {error}.") from None
    except UserError as error:
        raise UserError(f"{'.'.join(path)}: {error}") from None
    if known is None or known.open:
        return None
    return known.arguments

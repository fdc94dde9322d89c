"""The config of a run that was begun before, as its folder keeps it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from asrx.config.check import checked
from asrx.config.compose import compose
from asrx.config.kinds import at
from asrx.types import UserError, reason

LAST = "resume"  # the key that is written last
# overrides that say where recordings are, which never change a result while the recordings are the same
DATA_PLACES = (
    *("dataset.root", "dataset.train", "dataset.val", "dataset.test", "dataset.test_root", "dataset.noise"),
    *("dataset.noises", "dataset.test_noises"),
    *("data_dir", "augment.folder"),
)


def config_of(folder: Path, overrides: Sequence[str]) -> DictConfig:
    """The config of a run, with what the overrides change in it.

    Args:
        folder: of the run.
        overrides: as on the command line of `python -m asrx`, after those that the run was started with.

    Raises:
        UserError: the folder holds no run, or the overrides name what does not exist.
    """
    if not (folder / "config.yaml").exists():
        raise UserError(f"{folder}: there is no run in that folder (config.yaml is missing).")
    cfg = OmegaConf.to_container(completed(read_config(folder)), resolve=True)
    if overrides:
        # config.yaml is resolved: what an override changes elsewhere, through interpolation, only composing tells
        own = own_overrides(folder)
        before, after = compose(own), checked([*own, *overrides])
        _carry_over(OmegaConf.to_container(before, resolve=True), OmegaConf.to_container(after, resolve=True), cfg)
    return literal(cfg)


def literal(plain: Any) -> Any:
    """A config of plain values, in which every text stands for itself: a run's config is resolved, and `${...}` in that
    of somebody else would be looked up here."""
    return OmegaConf.create(_escaped(plain))


def _escaped(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _escaped(value) for name, value in node.items()}
    if isinstance(node, list | tuple):
        return [_escaped(value) for value in node]
    return re.sub(r"(\\*)\$\{", r"\1\1\\${", node) if isinstance(node, str) else node


def read_config(folder: Path) -> DictConfig:
    """config.yaml of a run folder.

    Raises:
        UserError: it cannot be read, is cut off, or is not resolved, as asrx writes it.
    """
    path = folder / "config.yaml"
    try:
        cfg = OmegaConf.load(path)
    except (OSError, ValueError, YAMLError, OmegaConfBaseException) as error:
        raise UserError(f"{path} cannot be read ({reason(error)}): bring it back as the run wrote it.") from error
    if not OmegaConf.is_dict(cfg) or _unresolved(OmegaConf.to_container(cfg)):
        raise UserError(f"{path} is no config of a run, in which every ${{...}} is resolved: bring it back as it was.")
    if cfg.get(LAST, "") is not None:
        raise UserError(f"{path} is empty or cut off: bring it back as the run wrote it.")
    return cfg


def _unresolved(node: Any) -> bool:
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return any(map(_unresolved, inner)) or (
        isinstance(node, str) and re.search(r"(?<!\\)(\\\\)*\$\{", node) is not None
    )


def is_place(override: str) -> bool:
    """Whether an override only says where recordings are."""
    key = override.partition("=")[0]
    return (
        key in DATA_PLACES
        or re.fullmatch(r"dataset\.parts\.[\w-]+\.(root|train|val|test|test_root|noise)", key) is not None
    )


def own_overrides(folder: Path) -> list[str]:
    """Those that a run was started with.

    Raises:
        UserError: overrides.yaml cannot be read, or is no list of texts.
    """
    path = folder / "overrides.yaml"
    try:
        overrides = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, YAMLError) as error:
        raise UserError(f"{path} cannot be read ({reason(error)}): bring it back as the run wrote it.") from error
    if not isinstance(overrides, list) or not all(isinstance(override, str) for override in overrides):
        raise UserError(f"{path} is no list of overrides such as seed=1: bring it back as the run wrote it.")
    return overrides


def _carry_over(before: dict[str, Any], after: dict[str, Any], cfg: dict[str, Any]) -> None:
    """Change in `cfg` what differs between two other configs."""
    for name in before.keys() - after.keys():
        cfg.pop(name, None)
    for name, value in after.items():
        if all(isinstance(node.get(name), dict) for node in (before, after, cfg)):
            _carry_over(before[name], value, cfg[name])
        elif name not in before or before[name] != value:
            cfg[name] = value


def completed(cfg: DictConfig) -> DictConfig:
    """The config of a run, with the defaults of keys that came later than the version that began it."""
    defaults = OmegaConf.to_container(compose([]), resolve=True)
    for group in ("logger", "search"):  # other choices have other keys
        del defaults[group]
    own = OmegaConf.to_container(cfg, resolve=True)
    objective = at(own, "model.objective") or {}
    if (beam := objective.pop("beam", 1)) > 1:  # where it stood before there was `decode`
        defaults["decode"] = OmegaConf.to_container(compose(["decode=beam", f"decode.beam={beam}"]).decode)
    return literal(_completed(own, defaults))


def _completed(node: dict, defaults: dict) -> dict:
    both = {name for name in node.keys() & defaults.keys() if _is_plain(node[name]) and _is_plain(defaults[name])}
    return defaults | {name: _completed(node[name], defaults[name]) if name in both else node[name] for name in node}


def _is_plain(node: Any) -> bool:
    """Whether it is a mapping of ours; classes have defaults of their own."""
    return isinstance(node, dict) and "_target_" not in node

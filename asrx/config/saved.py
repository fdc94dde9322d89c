"""The config of a run that was begun before, as its folder keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from asrx.config.check import checked
from asrx.config.compose import compose
from asrx.types import UserError

# overrides that say where recordings are, which never change a result while the recordings are the same
DATA_PLACES = ("dataset.root", "dataset.train", "dataset.val", "dataset.test", "data_dir", "augment.folder")


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
    cfg = OmegaConf.to_container(completed(OmegaConf.load(folder / "config.yaml")))
    if overrides:
        # config.yaml is resolved: what an override changes elsewhere, through interpolation, only composing tells
        own = own_overrides(folder)
        before, after = compose(own), checked([*own, *overrides])
        _carry_over(OmegaConf.to_container(before, resolve=True), OmegaConf.to_container(after, resolve=True), cfg)
    return OmegaConf.create(cfg)


def is_place(override: str) -> bool:
    """Whether an override only says where recordings are."""
    return override.partition("=")[0] in DATA_PLACES


def own_overrides(folder: Path) -> list[str]:
    """Those that a run was started with."""
    return list(OmegaConf.load(folder / "overrides.yaml"))


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
    return OmegaConf.create(_completed(OmegaConf.to_container(cfg), defaults))


def _completed(node: dict, defaults: dict) -> dict:
    both = {name for name in node.keys() & defaults.keys() if _is_plain(node[name]) and _is_plain(defaults[name])}
    return defaults | {name: _completed(node[name], defaults[name]) if name in both else node[name] for name in node}


def _is_plain(node: Any) -> bool:
    """Whether it is a mapping of ours; classes have defaults of their own."""
    return isinstance(node, dict) and "_target_" not in node

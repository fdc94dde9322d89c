"""The config of a run that was begun before, as config.yaml keeps it."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf

from asrx.config.compose import compose


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

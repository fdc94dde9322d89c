"""From an exception to one sentence for the person at the terminal."""

from __future__ import annotations

import re

from omegaconf import OmegaConf

from asrx.config import choices, compose, groups, nearest
from asrx.signatures import signature
from asrx.types import UserError


def explain(error: Exception, arguments: list[str]) -> str | None:
    """What is wrong and what to do, in one sentence; None for an error that is not the user's."""
    if isinstance(error, UserError):
        return str(error)
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    if not isinstance(error, HydraException | OmegaConfBaseException):
        return None
    text = str(error)
    if match := re.search(r"Could not override '([^']+)'", text) or re.search(
        r"Could not append.*? to '([^']+)'", text
    ):
        return _unknown_key(match[1])
    if match := re.search(r"(?:Could not find|Could not load) '([^']+)/([^'/]+)'", text):
        group, name = match[1], match[2]
        options = choices(group)
        if options:
            return f"{group} has no choice {name}.{nearest(name, options)} The choices are {', '.join(options)}."
    if match := re.search(r"no match in the defaults list", text, re.IGNORECASE):
        return _unknown_key(_blamed(text, arguments))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines)


def _blamed(text: str, arguments: list[str]) -> str:
    return next((a.partition("=")[0] for a in arguments if a.partition("=")[0] in text), text)


def _unknown_key(key: str) -> str:
    key = key.lstrip("+~").partition("=")[0]
    default = compose([])
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(default, parent) if parent else None
    target = OmegaConf.is_dict(node) and node.get("_target_")
    if target and name in (known := signature(target)).arguments:
        return f"{key} has no value in the config to change: to give {target} this argument, write +{key}=..."
    options = [*_paths(default), *(f"{parent}.{name}" for name in (known.arguments if target else ())), *groups()]
    return f"there is no key or group {key}.{nearest(key, options)} `python -m asrx --cfg job` prints every key."


def _paths(node, prefix: str = "") -> list[str]:
    found = []
    for name in node:
        found.append(prefix + str(name))
        below = node._get_node(name)
        if OmegaConf.is_dict(below) and not below._is_none():
            found += _paths(below, f"{prefix}{name}.")
    return found

"""Texts as they are written: a speaker called 26, a word `no`, a folder 2024_05_01 or größe.

Hydra's grammar and YAML take these for numbers, switches or mistakes. Where a key's kind is text, what stands there is
one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf

from asrx.config.kinds import Kinds, at, kinds
from asrx.config.places import files

OVERRIDE = re.compile(r"(?s)([+~]{0,2}([\w./]+)=)(.+)")
# what is written in Hydra's grammar on purpose: quotes, a mapping, an escape, an interpolation, a function
GRAMMAR = re.compile(r"""(?s)['"{].*|.*(\\|\$\{).*|[a-z_]+\(.*\)""")


def quoted(text: str) -> str:
    """A text as Hydra's grammar reads it unchanged."""
    inner = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)  # no interpolation
    inner = re.sub(r"(\\*)('|$)", lambda m: 2 * m[1] + (m[2] and "\\'"), inner)
    return f"'{inner}'"


def spell_overrides(overrides: Sequence[str], known: Kinds, sweeps: bool) -> list[str]:
    """The overrides, with quotes around texts that Hydra would read otherwise.

    Args:
        overrides: as on the command line.
        known: the kinds of keys.
        sweeps: whether commas separate the values of a sweep.
    """
    return [_spelled(override, known, sweeps) for override in overrides]


def _spelled(override: str, known: Kinds, sweeps: bool) -> str:
    match = OVERRIDE.fullmatch(override)
    if not match or match[2] not in known.text | known.texts or not is_misread(override):
        return override
    head, key, value = match.groups()
    parts = _parts(value)
    if len(parts) == 1 or not (sweeps or key in known.texts):
        return head + _text(value, key in known.texts)
    # without a sweep, Hydra says what can be meant
    return f"{head}{','.join(_text(part, key in known.texts) for part in parts)}" if sweeps else override


def _text(value: str, several: bool) -> str:
    """A value in Hydra's grammar; in brackets, where `several` may stand, it is a list."""
    if value == "null":
        return value
    if several and value[0] == "[" and value[-1] == "]":
        return f"[{','.join(map(_one, _parts(value[1:-1])))}]"
    return _one(value) if value[0] != "[" else quoted(value)


def _one(value: str) -> str:
    return value if GRAMMAR.fullmatch(value) or not is_misread(f"key={value}") else quoted(value)


def _parts(text: str) -> list[str]:
    """What commas separate that are neither in quotes nor in brackets."""
    found = re.findall(r"""(?:'(?:\\.|[^'])*'|"(?:\\.|[^"])*"|\[[^\]]*\]|[^,])+""", text)
    return [part.strip() for part in found]


def is_misread(override: str) -> bool:
    """Whether Hydra's grammar reads the value of an override as anything but the text it is."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(override)._value != override.partition("=")[2]
    except HydraException:
        return True


def spell(cfg: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """A composed config, whose texts are those that stand in its YAML files; `~` at their beginning is the user's home.

    Args:
        cfg: the config, changed in place.
        overrides: that it was composed of.
    """
    known, plain = kinds(cfg), OmegaConf.to_container(cfg, resolve=False)
    for key in sorted(known.text | known.texts):
        value = at(plain, key)
        if isinstance(value, str) and re.match(r"~(/|$)", value):
            OmegaConf.update(cfg, key, os.path.expanduser(value))
        elif value is not None and _is_other(value, key in known.texts):
            own = any(f"{key}.".startswith(f"{o.lstrip('+').partition('=')[0]}.") for o in overrides)
            # in a mapping of the command line Hydra has read it already
            text = (None if own else written(key, overrides)) or _as_texts(value)
            OmegaConf.update(cfg, key, text, merge=False)
    return cfg


def _as_texts(value: Any) -> str | list[str]:
    return [str(one) for one in value] if isinstance(value, list) else str(value)


def _is_other(value: Any, several: bool) -> bool:
    if isinstance(value, list):
        return several and any(isinstance(one, bool | int | float | None) for one in value)
    return isinstance(value, bool | int | float)


def written(key: str, overrides: Sequence[str]) -> Any:
    """What the last of the YAML files has at a key, letter by letter: a text or a list of texts, or None."""
    found, path = None, key.split(".")
    for chosen in files(overrides):
        package = [part for part in chosen.package.split(".") if part not in ("", "_global_")]
        if path[: len(package)] == package:
            document = yaml.compose(chosen.path.read_text(encoding="utf-8"), yaml.SafeLoader)
            found = _scalars(document, path[len(package) :]) or found
    return found


def _scalars(node: yaml.Node | None, path: Sequence[str]) -> str | list[str] | None:
    for name in path:
        if isinstance(node, yaml.SequenceNode):
            node = node.value[int(name)]
        else:
            below = node.value if isinstance(node, yaml.MappingNode) else []
            node = next((value for key, value in below if key.value == name), None)
    if isinstance(node, yaml.SequenceNode):
        return [one.value for one in node.value]
    return node.value if isinstance(node, yaml.ScalarNode) else None

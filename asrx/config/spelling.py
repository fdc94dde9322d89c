"""Texts as they are written: a speaker called 26, a word `no`, a folder 2024_05_01 or größe.

Hydra's grammar and YAML take these for numbers, switches or mistakes. Where a key's kind is text, what stands there is
one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf

from asrx.config.kinds import Kinds, at, kinds
from asrx.config.places import home

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
    if value == "null" or (GRAMMAR.fullmatch(value) and not value.startswith("[")):
        return override
    if value[0] == "[" and value[-1] == "]" and key in known.texts:
        return f"{head}[{','.join(_elements(value[1:-1]))}]"
    if "," in value and (sweeps or key in known.texts):
        return f"{head}{','.join(_elements(value))}" if sweeps else override
    return head + quoted(value)


def is_misread(override: str) -> bool:
    """Whether Hydra's grammar reads the value of an override as anything but the text it is."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(override)._value != override.partition("=")[2]
    except HydraException:
        return True


def _elements(text: str) -> Iterator[str]:
    for element in re.findall(r"""\s*('(?:\\.|[^'])*'|"(?:\\.|[^"])*"|[^,]+)\s*""", text):
        element = element.strip()
        yield element if GRAMMAR.fullmatch(element) else quoted(element)


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
            OmegaConf.update(cfg, key, written(key, overrides), merge=False)
    return cfg


def _is_other(value: Any, several: bool) -> bool:
    if isinstance(value, list):
        return several and any(isinstance(one, bool | int | float | None) for one in value)
    return isinstance(value, bool | int | float)


def written(key: str, overrides: Sequence[str]) -> Any:
    """What the last of the YAML files has at a key, letter by letter: a text or a list of texts, or None."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import RunMode

    loader = GlobalHydra.instance().config_loader()
    found = None
    for default in loader.compute_defaults_list("config", list(overrides), RunMode.RUN).defaults:
        package = [part for part in (default.package or "").split(".") if part not in ("", "_global_")]
        path = key.split(".")
        if default.config_path and path[: len(package)] == package:
            found = _scalars(_document(default.config_path), path[len(package) :]) or found
    return found


def _document(name: str) -> yaml.Node | None:
    """A YAML file of the config, as it is written; None where Hydra has it from elsewhere."""
    folders = [home() / "conf", home(), Path()]
    path = next((path for folder in folders if (path := folder / f"{name}.yaml").is_file()), None)
    return yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader) if path else None


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

"""Hydra's own settings: a YAML file may not change them.

Hydra calls what they name (callbacks, launchers, handlers of logs) and sets the environment by them, before anything of
asrx has looked at the config; and an experiment may be somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NoReturn

from omegaconf import DictConfig, OmegaConf

from asrx.config.compose import compose, groups
from asrx.config.places import home
from asrx.types import UserError

# what differs between two commands, and says nothing of their files
OF_THE_COMMAND = ("runtime", "overrides", "searchpath", "mode")
FOLDERS = ("--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn", "--experimental-rerun")


def check_hydra(arguments: Sequence[str]) -> None:
    """Refuse a command whose YAML files change settings of Hydra's.

    Args:
        arguments: of the command.

    Raises:
        UserError: as it says, another folder of configs is asked for, or there is no such option.
    """
    if odd := next((a for a in arguments if a.partition("=")[0] in FOLDERS), None):
        raise UserError(f"{odd} is none of asrx's: your own YAML files are found in GROUP/NAME.yaml of this folder.")
    _parse(arguments)
    overrides = [a for a in arguments if "=" in a and not a.startswith("-")]
    for chosen in _combinations(overrides):
        composed = compose(chosen, with_hydra=True).hydra
        if key := _difference(_settings(composed), _settings(_asked(chosen, composed)), "hydra"):
            raise UserError(
                f"{key} is a setting of Hydra's, which only the command line may change: leave it out of the YAML "
                f"file; if you mean it, write {key}=..."
            )


def _parse(arguments: Sequence[str]) -> None:
    """Refuse an option that Hydra does not have, in a sentence."""
    from hydra._internal.utils import get_args_parser

    def refuse(message: str) -> NoReturn:
        raise UserError(f"{message}: see python -m asrx --help.")

    parser = get_args_parser()
    parser.error = refuse
    parser.parse_args(arguments)


def _combinations(overrides: Sequence[str]) -> Iterator[list[str]]:
    """The overrides that decide which files are read, for each job of a sweep."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    options = []
    for text, override in zip(overrides, OverridesParser.create().parse_overrides(list(overrides)), strict=True):
        key = override.key_or_group
        if key.startswith("hydra"):
            options.append([text])
        elif key in groups() or Path(key).is_dir():
            prefix, sweep = text.partition("=")[0], override.is_discrete_sweep()
            options.append([f"{prefix}={one}" for one in override.sweep_string_iterator()] if sweep else [text])
    for chosen in product(*options):
        yield list(chosen)


def _asked(chosen: Sequence[str], composed: DictConfig) -> DictConfig:
    """Hydra's settings as they are without the user's files."""
    choices = composed.runtime.choices
    own = [f"{group}={name}" for group, name in choices.items() if group.startswith("hydra/") and name]
    if (home() / f"conf/search/{choices.search}.yaml").exists():
        own.append(f"search={choices.search}")
    command = [override for override in chosen if override.lstrip("+~").startswith("hydra.")]
    return compose([*own, *command, "hydra.searchpath=[]"], with_hydra=True).hydra


def _settings(hydra: DictConfig) -> dict[str, Any]:
    found = OmegaConf.to_container(hydra, resolve=False)
    del found["job"]["override_dirname"]
    return {name: value for name, value in found.items() if name not in OF_THE_COMMAND}


def _difference(found: Any, expected: Any, path: str) -> str | None:
    """The first key in which they differ."""
    if isinstance(found, dict) and isinstance(expected, dict):
        keys = [*found, *(key for key in expected if key not in found)]
        below = (_difference(found.get(key), expected.get(key), f"{path}.{key}") for key in keys)
        return next(filter(None, below), None)
    return None if found == expected else path

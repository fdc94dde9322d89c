"""Groups of which a command chooses more than one: loggers, and augmentations that add up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from asrx.config.compose import initialized
from asrx.config.places import files
from asrx.types import UserError

ADD_UP = ("logger", "experiments")  # as Hydra has them


def several(overrides: Sequence[str]) -> dict[str, list[str]]:
    """The groups of which the overrides of a command, or the experiments they name, choose more than one, and what.

    Raises:
        UserError: there can be only one of them, or one would replace what another brings.
    """
    if not any(re.match(r"[^=]+=\[|experiments=", override) for override in overrides):
        return {}
    chosen: dict[str, dict[str, Path]] = {}
    with initialized():
        found = list(files(overrides))
    for file in found:
        group, _, name = file.name.rpartition("/")
        if group and group != file.parent.rpartition("/")[0]:  # else a choice of the same group begins with it
            chosen.setdefault(group, {})[name] = file.path
    lists = {group: paths for group, paths in chosen.items() if len(paths) > 1 and group not in ADD_UP}
    for group, paths in lists.items():
        listed = f"{group}=[{','.join(paths)}]"
        if group != "augment":
            raise UserError(f"{listed} chooses several where there can be one: give one of them.")
        counts = Counter(key for path in paths.values() for key in _content(path))
        if twice := next((key for key, count in counts.items() if count > 1), None):
            raise UserError(
                f"{listed}: more than one of them gives augment.{twice}, and the last would replace the others: write "
                f"the whole list, 'augment.{twice}=[{{_target_: ...}}, ...]', as in conf/augment/full.yaml."
            )
    return {group: list(paths) for group, paths in lists.items()}


def _content(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {key: value for key, value in (content or {}).items() if key not in ("defaults", "folder")}

"""From an exception to one sentence for the person at the terminal."""

from __future__ import annotations

import errno
import re
from contextlib import suppress
from io import IOBase
from pathlib import Path
from traceback import walk_tb

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from asrx.config.compose import choice_files, choices, compose, groups, nearest
from asrx.config.signatures import annotations
from asrx.types import UserError, reason

COMPOSERS = ("hydra", "omegaconf", "yaml", "antlr4")  # they take anything, and say little


def explain(error: Exception, arguments: list[str]) -> str | None:
    """What is wrong and what to do, in one sentence; None for an error that is not the user's."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        full = error.filename or _written(error) or "the disk"
        return f"{full}: {error.strerror}: free some space and go on; what was written is whole."
    if isinstance(error, OSError) and error.filename and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{error.filename}: {error.strerror}: name a place that can be written, or permit it."
    if (
        isinstance(error, OSError)
        and error.filename
        and (error.errno in (errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG) or _makes_a_folder(error))
    ):
        return f"{error.filename}: {error.strerror}: name another place."
    from hydra.errors import HydraException

    of_lightning = isinstance(error, ValueError | ImportError | RuntimeError) and _raised_in(error, "pytorch_lightning")
    if type(error).__name__ == "MisconfigurationException" or of_lightning:
        return f"Lightning: {' '.join(str(error).split())}"
    if isinstance(error, ValueError) and "Config group override" in str(error):
        return f"{_no_choice(arguments)}: give the group one of its choices, see python -m asrx --help."
    if isinstance(error, UnicodeDecodeError):  # Hydra does not say of which file
        told = {f"{group}={name}": text for group in groups() for name, text in choices(group).items()}
        return next(
            (f"{a}, {told[a]}: save it as UTF-8." for a in arguments if told.get(a, "").startswith("cannot")), None
        )
    if re.match("token recognition error|LexerNoViableAlt", str(error)):  # of Hydra's grammar
        return f"{_culprit(arguments)} cannot be read: write a value with spaces or signs as KEY='\"...\"'."
    if _raised_in(error, *COMPOSERS) and not isinstance(error, HydraException | OmegaConfBaseException | YAMLError):
        return (
            f"{_culprit(arguments)} cannot be composed ({reason(error)}): `python -m asrx --cfg job` prints every key."
        )
    if not isinstance(error, HydraException | OmegaConfBaseException | YAMLError):
        return None
    text = str(error)
    if "does not support sweep type" in text:
        return "-m alone tries lists, KEY=a,b: an interval needs search=random or search=tpe beside it."
    if text.startswith("Multiple values for"):  # the second choice of a group brings what the first has brought
        given = next((argument for argument in arguments if "=[" in argument), text.split()[3])
        return f"{given} chooses several where there can be one: give one of them."
    if match := re.fullmatch(r"(?s)Error parsing override '(.*?)'\s(.*?)(\s*See https:.*)?", text):
        why = " ".join(match[2].split())
        return f"{match[1]} cannot be read ({why}): write KEY=VALUE, and a value with spaces or signs as KEY='\"...\"'."
    if match := re.match(r"Error merging override \+*([^=]*)=", text):
        return (
            f"{match[1]} is no place in this config: a list, as {match[1].rpartition('.')[0]} may be, is given whole, "
            "KEY=[A,B]; `python -m asrx --cfg job` prints every key."
        )
    if match := re.search(r"Could not override '([^']+)'", text):
        return _unknown_key(match[1], arguments)
    if match := re.search(r"Could not (?:find|load) '([^']+)/([^'/]+)'", text):
        group, name = match[1], match[2]
        if group == "hydra/launcher":
            return f"hydra/launcher={name} is not installed: joblib, submitit and ray are extras of asrx, asrx[joblib]."
        options = choices(group)
        return f"{group} has no choice {name}.{nearest(name, options)} The choices are {', '.join(options)}."
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def _written(error: Exception) -> str | None:
    """The file that was being written: Python names it where a file cannot be opened, and not where it cannot grow."""
    for frame, _ in reversed(list(walk_tb(error.__traceback__))):
        for value in frame.f_locals.values():
            name = value.name if isinstance(value, IOBase) and hasattr(value, "name") else value
            if isinstance(name, Path) or (isinstance(name, str) and value is not name):
                return str(name)
    return None


def _makes_a_folder(error: Exception) -> bool:
    """Whether a file is in its place, or nothing can be made there, as in /proc."""
    *_, (innermost, _) = walk_tb(error.__traceback__)
    return innermost.f_code.co_name in ("mkdir", "makedirs")


def _raised_in(error: Exception, *packages: str) -> bool:
    """Whether it comes out of one of these packages."""
    innermost = [frame.f_globals["__name__"] for frame, _ in walk_tb(error.__traceback__)][-1:]
    return any(name.partition(".")[0] in packages for name in innermost)


def _culprit(arguments: list[str]) -> str:
    """The first argument that no config can be composed with, or all of them."""
    own = set(groups()) - {"experiments"}
    chosen: list[str] = []
    for argument in arguments:
        if argument.startswith("-"):
            continue
        try:
            compose([*chosen, argument])
        except Exception:
            return argument
        chosen += [argument] if argument.partition("=")[0] in own else []
    return " ".join(arguments)


def _no_choice(arguments: list[str]) -> str:
    """The argument that gives a group something else than a name."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    named = [argument for argument in arguments if argument.lstrip("+").partition("=")[0] in groups()]
    parsed = OverridesParser.create().parse_overrides(named)
    odd = [a for a, o in zip(named, parsed, strict=True) if not isinstance(o.value(), str | list)]
    return " ".join(odd) or "The config"


def _unknown_key(key: str, arguments: list[str]) -> str:
    own = set(groups()) - {"experiments"}  # an experiment may be what is wrong
    composed = compose([a for a in arguments if a.partition("=")[0] in own and re.fullmatch(r"[\w/]+=\w+", a)])
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(composed, parent) if parent else None
    target = node.get("_target_") if OmegaConf.is_dict(node) else None
    takes = annotations(target) if target else {}
    if name in takes:
        return f"{key} has no value in the config to change: to give {target} this argument, write +{key}=..."
    if OmegaConf.is_dict(OmegaConf.select(composed, key)):
        return f"{key} is a mapping, and new keys in it need a plus: write +{key}=..."
    if others := _choices_with(group := parent.replace(".", "/"), name):
        return f"{key} is a key of {group}={','.join(others)}, which is not chosen: choose it, or leave the key out."
    options = [*_paths(composed), *(f"{parent}.{name}" for name in takes), *groups()]
    return f"there is no key or group {key}.{nearest(key, options)} `python -m asrx --cfg job` prints every key."


def _choices_with(group: str, name: str) -> list[str]:
    """The choices of a group whose own files give a key."""
    found = []
    for choice, path in choice_files(group).items():
        with suppress(OSError, UnicodeError, YAMLError, TypeError):
            found += [choice] if name in yaml.safe_load(path.read_text(encoding="utf-8")) else []
    return found


def _paths(node, prefix: str = "") -> list[str]:
    found = []
    for name in node:
        found.append(prefix + str(name))
        below = node._get_node(name)
        if OmegaConf.is_dict(below) and not below._is_none():
            found += _paths(below, f"{prefix}{name}.")
    return found

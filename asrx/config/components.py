"""Which classes and functions a config may name.

A config is data, also one of somebody else's: what it names is of a package that is meant for it or that the user has
named, and of the kind that its place needs. Nothing else is imported or called.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.metadata import entry_points
from inspect import isclass, isfunction
from typing import Any, NamedTuple, get_args, get_type_hints

from asrx.types import UserError, reason

OURS = "asrx"
LIBRARIES = ("torch", "torchaudio", "pytorch_lightning")
NAMED = "ASRX_COMPONENTS"  # in the environment: the user's own packages, with commas
PLAIN = ("builtins", "collections.abc", "typing", "pathlib")  # whose classes say nothing of what a component is
GROUP = "asrx.components"  # of entry points, whose values are packages that were installed to be used with asrx


class Function(NamedTuple):
    """A kind of functions: asrx's or the user's own, in which `name`, an argument or `return`, is annotated as `type`.

    Libraries have none: what of theirs has such an annotation was written for something else.
    """

    name: str
    type: type


Kind = type | tuple[type, ...] | Function  # a class, one of several, or such a function


def check_package(target: Any) -> None:
    """Refuse a component of a package that nobody named; nothing is imported for it.

    Raises:
        UserError: as it says.
    """
    if not isinstance(target, str) or len(parts := target.split(".")) < 2 or not all(map(str.isidentifier, parts)):
        raise UserError(f"{target} is no class: write its dotted name, such as asrx.models.crnn.CRNN.")
    if not (_is_of(target, LIBRARIES) or _is_own(target)):
        known = f"{OURS}, {', '.join(LIBRARIES[:-1])} and {LIBRARIES[-1]}"
        raise UserError(
            f"{target} is refused: components come from {known}; if you trust {parts[0]}, say so with "
            f"{NAMED}={parts[0]} in the environment."
        )


def find(target: Any, *kinds: Kind) -> Callable[..., Any]:
    """The class or function that a config names.

    Args:
        target: its dotted name.
        kinds: what it must be, all of them.

    Raises:
        UserError: it is of a package that nobody named, is not there, or is of another kind.
    """
    check_package(target)
    module, _, name = target.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except Exception as error:  # a module of the user's own may fail in any way
        raise UserError(f"{target} cannot be imported: {reason(error)}.") from error
    for kind in kinds:
        if not _fits(found, kind):
            raise UserError(f"{target} is no {_words(kind)}, which is what this place needs.")
    return found


def is_there(target: str) -> bool:
    """Whether a module has a name, of a package that somebody named; it is imported."""
    module, _, name = target.rpartition(".")
    try:
        return hasattr(import_module(module), name)
    except Exception:  # a module of the user's own may fail in any way
        return False


def kind_of_argument(make: Callable[..., Any], name: str) -> Kind:
    """What a component within the arguments of another must be: what the annotation names, or a torch module."""
    with suppress(Exception):  # an annotation may be anything
        hint = get_type_hints(make.__init__ if isclass(make) else make)[name]
        if kinds := tuple(leaf for leaf in _leaves(hint) if isclass(leaf) and leaf.__module__ not in PLAIN):
            return kinds
    from torch.nn import Module

    return Module


def _leaves(hint: Any) -> Iterator[Any]:
    inner = get_args(hint)
    for one in inner:
        yield from _leaves(one)
    if not inner:
        yield hint


def _is_own(name: str) -> bool:
    """Whether it is of asrx or of a package that the user has named."""
    named = (package.strip() for package in os.environ.get(NAMED, "").split(","))
    return _is_of(name, (OURS, *filter(None, named))) or _is_of(
        name, [point.module for point in entry_points(group=GROUP)]
    )


def _is_of(name: str, packages: Sequence[str]) -> bool:
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def _fits(found: Any, kind: Kind) -> bool:
    if isinstance(kind, Function):
        return isfunction(found) and _is_own(found.__module__) and _annotated(found, kind)
    if isinstance(kind, tuple):
        return any(_fits(found, one) for one in kind)
    if getattr(kind, "_is_protocol", False):  # whoever has its methods is of its kind
        return isclass(found) and all(callable(getattr(found, name, None)) for name in kind.__abstractmethods__)
    return isclass(found) and issubclass(found, kind)


def _annotated(function: Callable[..., Any], kind: Function) -> bool:
    with suppress(Exception):
        return issubclass(get_type_hints(function)[kind.name], kind.type)
    return False


def _words(kind: Kind) -> str:
    if isinstance(kind, Function):
        what = "returns" if kind.name == "return" else f"takes {kind.name}:"
        return f"function that {what} {kind.type.__name__}"
    if isinstance(kind, tuple):
        return " or ".join(map(_words, kind))
    return f"{kind.__module__}.{kind.__qualname__}"

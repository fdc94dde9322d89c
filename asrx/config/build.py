"""The objects that a config describes. Nowhere else is anything made that a config names."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from omegaconf import DictConfig, OmegaConf

from asrx.config.components import Kind, find, kind_of_argument
from asrx.config.signatures import signature
from asrx.types import UserError, reason


def build(node: DictConfig | dict[str, Any], kind: Kind, *more: Kind, **supplied: Any) -> Any:
    """Make the object a config node describes, and those in its arguments.

    Args:
        node: of the config.
        kind, more: what the node's class or function must be, all of them (see `asrx.config.components`).
        supplied: the arguments that only the program knows; a class that does not name one does without it.

    Raises:
        UserError: the class is none that may stand here or refused its arguments, or the config gives one that is the
            program's.
    """
    node = OmegaConf.to_container(node, resolve=True) if isinstance(node, DictConfig) else node
    if not isinstance(node, dict) or "_target_" not in node:
        raise UserError(f"{node} stands where the config needs a class: write {{_target_: asrx. ...}} instead.")
    target, *arguments = node["_target_"], *((name, value) for name, value in node.items() if name != "_target_")
    if odd := next((name for name, _ in arguments if str(name).startswith("_")), None):
        raise UserError(f"{target}: {odd} is none of asrx's: give its arguments by their names.")
    if own := next((name for name in supplied if name in node), None):
        raise UserError(f"{target} gets {own} from asrx: leave it out of the config.")
    make = find(target, kind, *more)
    with suppress(LookupError):  # then making it fails, and says why
        known = signature(target)
        if known is not None and not known.open:
            supplied = {name: value for name, value in supplied.items() if name in known.arguments}
    given = {name: _built(value, make, name) for name, value in arguments}
    try:
        return make(**given, **supplied)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{target} cannot be made: {reason(error)}.") from error


def _built(value: Any, make: Any, name: str) -> Any:
    """An argument with the components in it made."""
    if isinstance(value, list):
        return [_built(one, make, name) for one in value]
    if not isinstance(value, dict):
        return value
    if "_target_" in value:
        return build(value, kind_of_argument(make, name))
    return {key: _built(one, make, name) for key, one in value.items()}

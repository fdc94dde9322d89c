"""The objects that a config describes. This is the only file that calls Hydra's `instantiate`."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from omegaconf import DictConfig

from asrx.config.signatures import signature
from asrx.types import UserError


def build(node: DictConfig | dict, **supplied: Any) -> Any:
    """Make the object a config node describes.

    `supplied` are the arguments that only the program knows; a class that does not name one does without it.

    Raises:
        UserError: the class refused its arguments, or the config gives one that is the program's.
    """
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    if not isinstance(node, DictConfig | dict) or "_target_" not in node:
        raise UserError(f"{node} stands where the config needs a class: write {{_target_: asrx. ...}} instead.")
    arguments = {name: value for name, value in node.items() if not _is_component(value)}
    if own := next((name for name in supplied if name in arguments), None):
        raise UserError(f"{node['_target_']} gets {own} from asrx: leave it out of the config.")
    with suppress(LookupError):  # then making it fails, and says why
        known = signature(node["_target_"])
        if known is not None and not known.open:
            supplied = {name: value for name, value in supplied.items() if name in known.arguments}
    try:
        # not through instantiate: OmegaConf would read transcripts as config, and take its time
        return instantiate(arguments, _convert_="all", _partial_=True)(**supplied)
    except UserError:
        raise
    except Exception as error:
        cause = (error.__cause__ if isinstance(error, InstantiationException) else None) or error
        reason = (str(cause).splitlines() or [type(cause).__name__])[0].rstrip(".!")
        raise UserError(f"{node['_target_']} cannot be made: {reason}.") from error


def component(node: DictConfig) -> type:
    """The class that a config node describes."""
    from hydra.utils import get_class

    return get_class(node._target_)


def _is_component(value: Any) -> bool:
    """A nested group, such as optimizer.schedule, is built on its own."""
    return isinstance(value, DictConfig) and "_target_" in value

"""Arguments that several augmentations take."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from asrx.types import UserError


def interval(name: str, value: Sequence[float]) -> tuple[float, float]:
    """A lowest and a highest number.

    Raises:
        UserError: it is something else.
    """
    right = isinstance(value, Sequence) and len(value) == 2 and all(map(_is_number, value))
    if not right or value[0] > value[1]:
        raise UserError(f"{name}={value} should be two numbers, the lower one first, such as [5, 20].")
    return value[0], value[1]


def share(name: str, value: float) -> float:
    """A number from 0 to 1.

    Raises:
        UserError: it is something else.
    """
    if not _is_number(value) or not 0 <= value <= 1:
        raise UserError(f"{name}={value} should be a number from 0 to 1.")
    return value


def from_zero(name: str, value: float) -> float:
    """A number that is not negative.

    Raises:
        UserError: it is something else.
    """
    if not _is_number(value) or value < 0:
        raise UserError(f"{name}={value} should be a number from 0.")
    return value


def whole(name: str, value: int, least: int) -> int:
    """A whole number.

    Raises:
        UserError: it is something else, or too small.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UserError(f"{name}={value} should be a whole number from {least}.")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)

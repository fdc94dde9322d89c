"""What a search may choose: parameters, their values, and which exist only under one choice of another.

A space is a mapping of keys to values in Hydra's grammar of sweeps
(https://hydra.cc/docs/advanced/override_grammar/extended/):

    optimizer.lr: tag(log, interval(1e-4, 1e-2))
    model.encoder.width: choice(32, 64, 128)
    model.encoder.layers: range(1, 4)
    features.n_mels: int(interval(20, 80))
    augment: choice(none, specaug)
    augment=specaug:  # these exist only under that choice
      augment.frames.0.count: range(1, 4)

A point of a space is a mapping of the keys that exist for it to plain values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any

from asrx.types import UserError

Point = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """Values that can be counted.

    Args:
        texts: as they stand in an override.
        values: as they stand in a point.
        ordered: whether neighbours are alike, as in a range.
    """

    texts: tuple[str, ...]
    values: tuple[Any, ...]
    ordered: bool

    def contains(self, value: Any) -> bool:
        return value in self.values

    def text(self, value: Any) -> str:
        return self.texts[self.values.index(value)]


@dataclass(frozen=True)
class Interval:
    """Numbers from `low` to `high`, both included.

    Args:
        log: drawn evenly on a logarithmic scale.
        whole: whole numbers alone.
    """

    low: float
    high: float
    log: bool
    whole: bool

    def contains(self, value: Any) -> bool:
        return isinstance(value, int if self.whole else int | float) and self.low <= value <= self.high

    def text(self, value: float) -> str:
        return str(value)

    def nearest(self, number: float) -> float:
        """The value of the interval that a draw stands for; four digits tell trials apart and can be read."""
        inside = min(max(float(f"{number:.4g}"), self.low), self.high)
        return round(inside) if self.whole else inside


@dataclass(frozen=True)
class Parameter:
    """One key, and under some of its values further parameters.

    Args:
        key: what is overridden.
        label: names it even where the key stands under several choices.
        domain: its values.
        under: further parameters, by the text of the value under which they exist.
    """

    key: str
    label: str
    domain: Options | Interval
    under: dict[str, list[Parameter]] = field(default_factory=dict)


class Space:
    """The parameters of a search.

    Args:
        mapping: see above.
        options_of: the choices of a config group, for `glob(*)`.

    Raises:
        UserError: a key or a value is none of the grammar's.
    """

    def __init__(self, mapping: Mapping[str, Any], options_of: Callable[[str], list[str]]):
        self.parameters = _parse(mapping, options_of, "")

    @property
    def size(self) -> int | None:
        """How many points there are; None where they cannot be counted."""
        return _size(self.parameters)

    def grid(self) -> Iterator[Point]:
        """Every point, the last key varying fastest; only of a space that can be counted."""
        return _grid(self.parameters)

    def active(self, point: Point) -> Iterator[Parameter]:
        """The parameters that exist for a point.

        Raises:
            KeyError: the point lacks one.
        """
        return _active(self.parameters, point)

    def contains(self, point: Point) -> bool:
        """Whether a point is one of this space."""
        try:
            active = list(self.active(point))
        except (KeyError, ValueError):
            return False
        return {p.key for p in active} == set(point) and all(p.domain.contains(point[p.key]) for p in active)

    def overrides(self, point: Point) -> list[str]:
        """A point as overrides."""
        return [f"{p.key}={p.domain.text(point[p.key])}" for p in self.active(point)]

    def every_value(self) -> Iterator[Point]:
        """Points that hold every countable value, and the ends of every interval, at least once."""
        return _every_value(self.parameters)


def _parse(mapping: Mapping[str, Any], options_of: Callable[[str], list[str]], where: str) -> list[Parameter]:
    parameters = {}
    for key, value in mapping.items():
        if "=" not in key:
            parameters[key] = Parameter(key, f"{where}{key}", _domain(key, value, options_of))
    for condition, below in mapping.items():
        if "=" not in condition:
            continue
        key, _, text = condition.partition("=")
        choices = parameters[key].domain.texts if key in parameters and _countable(parameters[key]) else ()
        if text not in choices:
            raise UserError(
                f"search.space: {condition} is no choice of this space; "
                + (f"{key} is one of {', '.join(choices)}." if choices else f"give {key}: choice(...) beside it.")
            )
        if not isinstance(below, Mapping):
            raise UserError(f"search.space: under {condition} write the keys that exist only then, each with values.")
        parameters[key].under[text] = _parse(below, options_of, f"{where}{condition}: ")
    inner = [key for p in parameters.values() for below in p.under.values() for key in _keys(below)]
    if twice := next((key for key in inner if key in parameters), None):
        raise UserError(f"search.space: {twice} stands beside a condition and under it; keep one of them.")
    return list(parameters.values())


def _keys(parameters: list[Parameter]) -> set[str]:
    return {p.key for p in parameters} | {k for p in parameters for below in p.under.values() for k in _keys(below)}


def _countable(parameter: Parameter) -> bool:
    return isinstance(parameter.domain, Options)


def _domain(key: str, value: Any, options_of: Callable[[str], list[str]]) -> Options | Interval:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import IntervalSweep, Override, QuotedString, Transformer
    from hydra.errors import HydraException

    if isinstance(value, list | Mapping):
        raise UserError(f"search.space: {key} is a {type(value).__name__}; write choice(a, b), or another sweep.")
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        override: Override = OverridesParser.create().parse_override(f"{key}={text}")
    except HydraException as error:
        line = str(error).splitlines()[0].strip()
        raise UserError(f"search.space: {key}: {text} is not in Hydra's grammar ({line}).") from None
    given = override._value
    if isinstance(given, IntervalSweep):
        whole = isinstance(given.start, int) and isinstance(given.end, int)
        interval = Interval(given.start, given.end, "log" in given.tags, whole)
        if not interval.low < interval.high or (interval.log and interval.low <= 0):
            raise UserError(f"search.space: {key}: {text} needs a start below its end, and above 0 to be logarithmic.")
        return interval
    if override.value_type.name == "GLOB_CHOICE_SWEEP":
        elements = given.filter(options_of(key))
    else:
        elements = list(override.sweep_iterator()) if override.is_discrete_sweep() else [given]
    if not elements:
        raise UserError(f"search.space: {key}: {text} has no values.")
    values = [element.text if isinstance(element, QuotedString) else element for element in elements]
    return Options(tuple(map(Transformer.str, elements)), tuple(values), override.is_range_sweep())


def _size(parameters: list[Parameter]) -> int | None:
    sizes = []
    for p in parameters:
        if isinstance(p.domain, Interval):
            return None
        below = [_size(p.under.get(text, [])) for text in p.domain.texts]
        if None in below:
            return None
        sizes.append(sum(below))
    return prod(sizes)


def _grid(parameters: list[Parameter]) -> Iterator[Point]:
    per_key = [
        [
            {p.key: value} | below
            for text, value in zip(p.domain.texts, p.domain.values, strict=True)
            for below in _grid(p.under.get(text, []))
        ]
        for p in parameters
    ]
    for combination in product(*per_key):
        yield {key: value for part in combination for key, value in part.items()}


def _active(parameters: list[Parameter], point: Point) -> Iterator[Parameter]:
    for p in parameters:
        value = point[p.key]
        yield p
        if p.under:
            yield from _active(p.under.get(p.domain.text(value), []), point)


def _every_value(parameters: list[Parameter]) -> Iterator[Point]:
    def variants(p: Parameter) -> Iterator[Point]:
        if isinstance(p.domain, Interval):
            yield from ({p.key: p.domain.low}, {p.key: p.domain.high})
        else:
            for text, value in zip(p.domain.texts, p.domain.values, strict=True):
                for below in _every_value(p.under.get(text, [])):
                    yield {p.key: value} | below

    first = [next(variants(p)) for p in parameters]
    base = {key: value for part in first for key, value in part.items()}
    yield base
    for p, part in zip(parameters, first, strict=True):
        rest = {key: value for key, value in base.items() if key not in part}
        yield from (rest | variant for i, variant in enumerate(variants(p)) if i)

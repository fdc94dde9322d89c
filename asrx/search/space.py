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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import inf, prod
from typing import TYPE_CHECKING, Any

from asrx.types import UserError

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

Point = dict[str, Any]
COUNTABLE = 10_000  # whole numbers of an interval, at most


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

    def counted(self) -> range | None:
        """Its values, where they can be counted."""
        few = self.whole and self.high - self.low < COUNTABLE
        return range(int(self.low), int(self.high) + 1) if few else None

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

    def samples(self) -> Iterator[Point]:
        """Points that hold every choice, and the ends of every range and interval, at least once."""
        return _samples(self.parameters)


def _parse(mapping: Mapping[str, Any], options_of: Callable[[str], list[str]], where: str) -> list[Parameter]:
    if odd := next((key for key in mapping if not isinstance(key, str)), None):
        raise UserError(f"search.space: {odd} is no key of the config.")
    parameters = {}
    for key, value in mapping.items():
        if "=" not in key:
            parameters[key] = Parameter(key, f"{where}{key}", _domain(key, value, options_of))
    for condition, below in mapping.items():
        if "=" not in condition:
            continue
        key = condition.partition("=")[0]
        domain = parameters[key].domain if key in parameters else None
        value = _plain(_override(condition)._value)
        if not isinstance(domain, Options) or not domain.contains(value):
            known = f"one of {', '.join(domain.texts)}" if isinstance(domain, Options) else "no choice beside it"
            raise UserError(f"search.space: {condition} is no choice of this space; {key} is {known}.")
        if not isinstance(below, Mapping):
            raise UserError(f"search.space: under {condition} write the keys that exist only then, each with values.")
        parameters[key].under[domain.text(value)] = _parse(below, options_of, f"{where}{condition}: ")
    taken = set(parameters)
    for p in parameters.values():
        inner = {key for below in p.under.values() for key in _keys(below)}
        if twice := sorted(inner & taken):
            raise UserError(f"search.space: {twice[0]} stands in two places that hold at once; keep one of them.")
        taken |= inner
    return list(parameters.values())


def _keys(parameters: list[Parameter]) -> set[str]:
    return {p.key for p in parameters} | {k for p in parameters for below in p.under.values() for k in _keys(below)}


def _override(text: str) -> Override:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(text)
    except HydraException as error:
        line = str(error).splitlines()[0].strip()
        raise UserError(f"search.space: {text} is not in Hydra's grammar ({line}).") from None


def _plain(element: Any) -> Any:
    """A value as Hydra parsed it, without the quotes."""
    if isinstance(element, list):
        return [_plain(one) for one in element]
    if isinstance(element, dict):
        return {_plain(key): _plain(value) for key, value in element.items()}
    return getattr(element, "text", element)


def _domain(key: str, value: Any, options_of: Callable[[str], list[str]]) -> Options | Interval:
    from hydra.core.override_parser.types import IntervalSweep, Transformer

    if isinstance(value, list | Mapping):
        raise UserError(f"search.space: {key} is a {type(value).__name__}; write choice(a, b), or another sweep.")
    text = f"{key}={value if isinstance(value, str) else json.dumps(value)}"
    override = _override(text)
    given = override._value
    if getattr(given, "shuffle", False):
        raise UserError(f"search.space: {text} is shuffled anew each time it is read; leave out shuffle.")
    if isinstance(given, IntervalSweep):
        whole = isinstance(given.start, int) and isinstance(given.end, int)
        interval = Interval(given.start, given.end, "log" in given.tags, whole)
        if not -inf < interval.low < interval.high < inf or (interval.log and interval.low <= 0):
            raise UserError(f"search.space: {text} needs a start below its end, and above 0 to be logarithmic.")
        return interval
    if override.value_type.name == "GLOB_CHOICE_SWEEP":
        elements = given.filter(options_of(key))
    else:
        elements = list(override.sweep_iterator()) if override.is_discrete_sweep() else [given]
    values = [_plain(element) for element in elements]
    if not values:
        raise UserError(f"search.space: {text} has no values.")
    if twice := next((one for i, one in enumerate(values) if one in values[:i]), None):
        raise UserError(f"search.space: {text} has {twice} twice.")
    return Options(tuple(map(Transformer.str, elements)), tuple(values), override.is_range_sweep())


def _size(parameters: list[Parameter]) -> int | None:
    sizes = []
    for p in parameters:
        values = _values(p)
        below = [] if values is None else [_size(p.under.get(p.domain.text(value), [])) for value in values]
        if values is None or None in below:
            return None
        sizes.append(sum(below))
    return prod(sizes)


def _values(p: Parameter) -> Sequence[Any] | None:
    """Those that can be counted."""
    return p.domain.values if isinstance(p.domain, Options) else p.domain.counted()


def _grid(parameters: list[Parameter]) -> Iterator[Point]:
    per_key = [
        [{p.key: value} | below for value in _values(p) for below in _grid(p.under.get(p.domain.text(value), []))]
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


def _samples(parameters: list[Parameter]) -> Iterator[Point]:
    def variants(p: Parameter) -> list[Point]:
        ends = isinstance(p.domain, Interval) or (p.domain.ordered and not p.under)
        values = _ends(p.domain) if ends else p.domain.values
        return [{p.key: value} | below for value in values for below in _samples(p.under.get(p.domain.text(value), []))]

    all_variants = [variants(p) for p in parameters]
    base = {key: value for first, *_ in all_variants for key, value in first.items()}
    yield base
    for first, *others in all_variants:
        rest = {key: value for key, value in base.items() if key not in first}
        yield from (rest | other for other in others)


def _ends(domain: Options | Interval) -> list[Any]:
    if isinstance(domain, Interval):
        return [domain.low, domain.high]
    return list(dict.fromkeys([domain.values[0], domain.values[-1]]))

"""How a search chooses its next point.

A method is asked for one point at a time and told of all trials before it, running ones too. Its answer depends on
nothing else, so a sweep that was killed goes on as if it had not been.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from asrx.search.space import Interval, Options, Parameter, Point, Space
from asrx.types import UserError

REDRAWS = 20  # of a point that was tried before; then any that was not is taken


class Tried(NamedTuple):
    """A trial as a method sees it: its point, and its loss, None while it runs and where it failed."""

    point: Point
    loss: float | None


class Method(ABC):
    """What a method offers. `blind` is how many points it chooses before it looks at scores, None if it never does."""

    blind: int | None = None

    @abstractmethod
    def ask(self, space: Space, tried: Sequence[Tried], seed: int) -> Point | None:
        """The next point, one that was not tried; None where the space has no more.

        Args:
            space: to choose from.
            tried: the trials so far, in their order.
            seed: of the whole search.
        """


@dataclass(frozen=True)
class Grid(Method):
    """Every point in the space's order."""

    def ask(self, space: Space, tried: Sequence[Tried], seed: int) -> Point | None:
        points = [trial.point for trial in tried]
        return next((point for point in space.grid() if point not in points), None)


class _Drawing(Method):
    """Methods of hyperopt (https://hyperopt.github.io/hyperopt/)."""

    def ask(self, space: Space, tried: Sequence[Tried], seed: int) -> Point | None:
        import numpy as np
        from hyperopt.base import Domain

        points = [trial.point for trial in tried]
        if space.size is not None and len(points) >= space.size:
            return None
        domain = Domain(None, _expression(space.parameters))
        trials = _trials(domain, space, tried)
        for number in np.random.SeedSequence([seed, len(tried)]).generate_state(REDRAWS).tolist():
            # one at a time: tpe.suggest answers one point whatever it is asked
            (document,) = self._suggest([len(tried)], domain, trials, number)
            drawn = {label: values[0] for label, values in document["misc"]["vals"].items() if values}
            point = _point(space.parameters, drawn)
            if point not in points:
                return point
        if space.size is None:
            return point
        rest = [point for point in space.grid() if point not in points]
        return rest[number % len(rest)]

    @abstractmethod
    def _suggest(self, numbers: list[int], domain: Any, trials: Any, seed: int) -> list[dict[str, Any]]:
        """As hyperopt's `suggest` functions."""


@dataclass(frozen=True)
class Random(_Drawing):
    """Points drawn at random, each from the whole space."""

    def _suggest(self, numbers: list[int], domain: Any, trials: Any, seed: int) -> list[dict[str, Any]]:
        from hyperopt import rand

        return rand.suggest(numbers, domain, trials, seed)


@dataclass(frozen=True)
class TPE(_Drawing):
    """Tree-structured Parzen estimator (Bergstra et al. 2011, https://papers.nips.cc/paper/4443).

    Args:
        startup: points drawn at random before the first that looks at scores.
        candidates: drawn for each new point, of which the most promising is taken.
        gamma: sets how many trials count as good, gamma times the square root of their number and at most 25.
    """

    startup: int
    candidates: int
    gamma: float

    def __post_init__(self):
        if self.startup < 1 or self.candidates < 1 or not self.gamma > 0:
            raise UserError("search.method: startup and candidates count from 1, and gamma is above 0.")

    @property
    def blind(self) -> int:
        return self.startup

    def _suggest(self, numbers: list[int], domain: Any, trials: Any, seed: int) -> list[dict[str, Any]]:
        from hyperopt import tpe

        return tpe.suggest(
            numbers,
            domain,
            trials,
            seed,
            n_startup_jobs=self.startup,
            n_EI_candidates=self.candidates,
            gamma=self.gamma,
            verbose=False,
        )


def _trials(domain: Any, space: Space, tried: Sequence[Tried]) -> Any:
    """The trials in hyperopt's words."""
    from hyperopt.base import JOB_STATE_DONE, STATUS_OK, Trials

    trials = Trials()
    for number, (point, loss) in enumerate(tried):
        values = dict(_drawn(space.parameters, point))
        misc = {
            "tid": number,
            "cmd": domain.cmd,
            "workdir": None,
            "idxs": {label: [number] if label in values else [] for label in domain.params},
            "vals": {label: [values[label]] if label in values else [] for label in domain.params},
        }
        # hyperopt takes a trial without a loss, one that runs or failed, for a bad one
        result = {} if loss is None else {"status": STATUS_OK, "loss": loss}
        (document,) = trials.new_trial_docs([number], [None], [result], [misc])
        trials.insert_trial_doc(document | {"state": JOB_STATE_DONE})
    trials.refresh()
    return trials


def _expression(parameters: Sequence[Parameter]) -> dict[str, Any]:
    """The space in hyperopt's words."""
    from hyperopt import hp

    def of(p: Parameter) -> Any:
        match p.domain:
            case Interval(low, high, True, False):
                return hp.loguniform(p.label, math.log(low), math.log(high))
            case Interval(low, high, True, True):
                return hp.qloguniform(p.label, math.log(low - 0.499), math.log(high + 0.499), 1)
            case Interval(low, high, False, False):
                return hp.uniform(p.label, low, high)
            case Interval(low, high, False, True):
                return hp.quniform(p.label, low - 0.499, high + 0.499, 1)
            case Options(texts, _, True):  # places in a range: neighbours are alike
                return hp.quniform(p.label, -0.499, len(texts) - 0.501, 1)
            case Options(texts, _, False):
                return hp.choice(p.label, [{"i": i} | _expression(p.under.get(t, [])) for i, t in enumerate(texts)])

    return {p.label: of(p) for p in parameters}


def _drawn(parameters: Sequence[Parameter], point: Point) -> Iterator[tuple[str, float]]:
    """What hyperopt would have drawn for a point: (label, value), for a choice its place."""
    for p in parameters:
        value = point[p.key]
        if isinstance(p.domain, Interval):
            yield p.label, value
        else:
            yield p.label, p.domain.values.index(value)
            yield from _drawn(p.under.get(p.domain.text(value), []), point)


def _point(parameters: Sequence[Parameter], drawn: dict[str, Any]) -> Point:
    """The point that hyperopt's draw stands for."""
    point = {}
    for p in parameters:
        number = drawn[p.label]
        if isinstance(p.domain, Interval):
            point[p.key] = p.domain.nearest(number)
        else:
            place = min(max(round(number), 0), len(p.domain.texts) - 1)
            point[p.key] = p.domain.values[place]
            point |= _point(p.under.get(p.domain.texts[place], []), drawn)
    return point

"""Whether two sets of recordings differ: a permutation test that holds its false-alarm rate."""

from __future__ import annotations

from itertools import count
from math import comb
from typing import NamedTuple

import numpy as np

from asrx.types import UserError
from asrx.watching.profile import Profile
from asrx.watching.quantities import QUANTITIES, Quantity

SPAN = (2.5, 97.5)  # percentiles of the reference; a recording beyond shows a change
BLOCK = 1 << 22  # numbers that are permuted at a time
DIVISIONS = 100  # of them are expected to be as extreme as alpha
GRID = 100  # values at which distributions are compared
SEED = 0


class Finding(NamedTuple):
    """One quantity: its medians, the p-value (adjusted for the number of quantities), whether that is a change, and its
    direction, 1 where production has more of it, else -1. `shown` are the places of the recordings that show a change,
    the furthest from the reference first."""

    quantity: Quantity
    reference: float
    production: float
    p: float
    changed: bool
    direction: int
    shown: list[int]

    @property
    def told(self) -> str:
        """The change, in words."""
        word = self.quantity.more if self.direction > 0 else self.quantity.less
        unit = f" {self.quantity.unit}" if self.quantity.unit else ""
        return f"{word} ({self.quantity.name} {self.reference:.3g} -> {self.production:.3g}{unit}, p {self.p:.2g})"


def compare(reference: Profile, production: Profile, alpha: float) -> list[Finding]:
    """Every quantity in which production differs from the reference, and the others.

    What is drawn at random is a unit: a speaker with all recordings, where a profile says who speaks, else a recording.
    All units weigh the same. For each quantity the largest difference of the cumulative distributions (Kolmogorov and
    Smirnov's) is compared with those of random divisions of all units into as many; the p-values are adjusted for the
    number of quantities by the smallest of them in each division (Westfall & Young 1993, "Resampling-Based Multiple
    Testing", single-step minP). Where both sides' units are drawn alike, the chance that anything is called changed is
    at most `alpha`, whatever the distributions and however the quantities go together.

    Args:
        reference, production: see there.
        alpha: the false-alarm rate, over all quantities.

    Returns:
        those that changed first, by how far their medians are apart in spreads of the reference; the others in order.

    Raises:
        UserError: there are too few: whatever they were, no difference would be significant.
    """
    units = [_units(reference), _units(production)]
    counts = [len(set(own.tolist())) for own in units]
    needed = units_needed(reference, alpha)
    if counts[1] < needed:
        what = ("speaker" if production.by_speaker else "recording") + "s" * (counts[1] != 1)
        raise UserError(
            f"production has {counts[1]} {what}, too few to tell a change from chance at --alpha {alpha:g} beside the "
            f"{counts[0]} of the reference: give at least {needed}."
        )
    places = [np.arange(len(own)) for own in units]
    more = int(counts[1] >= counts[0])  # the side that has more units
    places[more] = _alike(units[more], units[1 - more])
    unit_N = np.concatenate([units[0][places[0]], units[1][places[1]] + counts[0]])
    values_NQ = np.concatenate([reference.values_NQ[places[0]], production.values_NQ[places[1]]])
    differences_RQ, direction_Q = _differences(values_NQ, unit_N, counts, round(DIVISIONS / alpha))
    return _findings(reference, production, _adjusted(differences_RQ), direction_Q, alpha)


def _findings(
    reference: Profile, production: Profile, p_Q: np.ndarray, direction_Q: np.ndarray, alpha: float
) -> list[Finding]:
    before_Q, after_Q = np.median(reference.values_NQ, 0), np.median(production.values_NQ, 0)
    low_Q, high_Q = np.percentile(reference.values_NQ, SPAN, 0)
    beyond_NQ = direction_Q * (production.values_NQ - np.where(direction_Q > 0, high_Q, low_Q))
    furthest_NQ = np.argsort(-beyond_NQ, 0, kind="stable")
    findings = []
    for q, quantity in enumerate(QUANTITIES):
        changed = bool(p_Q[q] <= alpha)
        shown = [i for i in furthest_NQ[:, q].tolist() if changed and beyond_NQ[i, q] > 0]
        figures = float(before_Q[q]), float(after_Q[q]), float(p_Q[q])
        findings.append(Finding(quantity, *figures, changed, int(direction_Q[q]), shown))
    apart_Q = np.abs(after_Q - before_Q) / np.maximum(high_Q - low_Q, 1e-9)
    order = sorted(range(len(findings)), key=lambda q: (not findings[q].changed, -apart_Q[q] * findings[q].changed))
    return [findings[q] for q in order]


def _units(profile: Profile) -> np.ndarray:
    """The number of each recording's unit, from 0."""
    if profile.by_speaker:
        return np.unique(profile.speakers, return_inverse=True)[1]
    return np.arange(len(profile.names))


def _alike(unit_N: np.ndarray, other_N: np.ndarray) -> np.ndarray:
    """Places of recordings, at most as many of each unit as half of the other side's units have.

    Units of few recordings vary more than others. Where they are the fewer too, they would look unlike the rest by that
    alone.
    """
    most = int(np.median(np.bincount(other_N)))
    drawn = np.random.default_rng(SEED).permutation(len(unit_N))
    order = drawn[np.argsort(unit_N[drawn], kind="stable")]  # unit by unit, in a random order in each
    own = unit_N[order]
    place_in_unit = np.arange(len(own)) - np.searchsorted(own, own)
    return np.sort(order[place_in_unit < most])


def units_needed(reference: Profile, alpha: float) -> int:
    """The speakers, or recordings, that production must have for any change to be told from chance.

    Each quantity may be at its most extreme in another division: so many more of them there must be.
    """
    known = len(set(_units(reference).tolist()))
    return next(k for k in count(1) if comb(known + k, k) >= len(QUANTITIES) / alpha)


def _differences(
    values_NQ: np.ndarray, unit_N: np.ndarray, counts: list[int], divisions: int
) -> tuple[np.ndarray, np.ndarray]:
    """The largest difference of the distributions of each quantity in each division of the units, (R, Q), the actual
    one first; and the direction of that, (Q,)."""
    distributions = [_distributions(value_N, unit_N, sum(counts)) for value_N in values_NQ.T]
    side_K = np.repeat(np.float32([-1 / counts[0], 1 / counts[1]]), counts)
    rng, found_RQ, direction_Q = np.random.default_rng(SEED), [], None
    block = max(1, BLOCK // sum(counts))
    for start in range(0, divisions, block):
        side_RK = rng.permuted(np.tile(side_K, (min(block, divisions - start), 1)), axis=1)
        if start == 0:
            side_RK[0] = side_K
            actual = [side_K @ distribution_KG for distribution_KG in distributions]
            direction_Q = np.array([-1 if apart_G[np.abs(apart_G).argmax()] > 0 else 1 for apart_G in actual])
        found_RQ.append(np.stack([np.abs(side_RK @ distribution_KG).max(1) for distribution_KG in distributions], 1))
    return np.concatenate(found_RQ).round(5), direction_Q  # what differs by rounding alone is equal


def _distributions(value_N: np.ndarray, unit_N: np.ndarray, units: int) -> np.ndarray:
    """The share of each unit's recordings that have no more than each of up to `GRID` values, (K, G) float32."""
    grid_G = np.unique(np.quantile(value_N, np.linspace(0, 1, GRID), method="nearest"))
    below_KG = np.zeros((units, len(grid_G)), "float32")
    np.add.at(below_KG, unit_N, value_N[:, None] <= grid_G)
    return below_KG / np.bincount(unit_N, minlength=units)[:, None].astype("float32")


def _adjusted(differences_RQ: np.ndarray) -> np.ndarray:
    """The p-values of the first division, adjusted for the number of quantities."""
    divisions = len(differences_RQ)
    at_least_RQ = np.stack([divisions - np.searchsorted(np.sort(d_R), d_R) for d_R in differences_RQ.T], 1)
    return (at_least_RQ.min(1)[:, None] <= at_least_RQ[0]).mean(0)

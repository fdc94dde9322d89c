"""Which parameters of a sweep its score depends on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from asrx.report.compare.systems import varied, written
from asrx.report.sweep import Sweep

FEWEST_TRIALS, FEWEST_PARAMETERS = 10, 2
TREES, SHUFFLES = 200, 20


class Importance(NamedTuple):
    """How much R2 of a random forest falls when one parameter's values are shuffled: mean and standard deviation.

    `r2` is the forest's on trials that its trees did not see; where it is not above 0, the rest says nothing.
    """

    drops: list[tuple[str, float, float]]
    r2: float


def importance(sweep: Sweep) -> Importance | str:
    """Permutation importance of a random forest from parameters to score, over finished trials, greatest first.

    L. Breiman, "Random forests", Machine Learning 45, 2001, https://doi.org/10.1023/A:1010933404324.

    Returns:
        a sentence without a full stop where there is too little to tell.
    """
    trials = sweep.finished
    keys = varied([trial.params for trial in trials])
    if len(trials) < FEWEST_TRIALS or len(keys) < FEWEST_PARAMETERS:
        return (
            f"Importance takes at least {FEWEST_TRIALS} finished trials and {FEWEST_PARAMETERS} parameters that vary; "
            f"here are {len(trials)} and {len(keys)}"
        )
    scores_N = np.array([trial.score for trial in trials])
    if np.ptp(scores_N) == 0:
        return "All finished trials have the same score, so no parameter matters"

    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    values_NP = np.array([_codes([trial.params.get(key, math.nan) for trial in trials]) for key in keys]).T
    forest = RandomForestRegressor(TREES, oob_score=True, random_state=0).fit(values_NP, scores_N)
    found = permutation_importance(forest, values_NP, scores_N, n_repeats=SHUFFLES, random_state=0)
    drops = zip(keys, found.importances_mean.tolist(), found.importances_std.tolist(), strict=True)
    return Importance(sorted(drops, key=lambda drop: -drop[1]), float(forest.oob_score_))


def is_number(value: Any) -> bool:
    """Whether a parameter's value has a place on a scale; booleans have none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _codes(values: Sequence[Any]) -> list[float]:
    """Numbers as they are, for trees see their order alone; else the place of each value's text among all.

    NaN stands for a parameter that a trial does not have.
    """
    if all(map(is_number, values)):
        return [float(value) for value in values]
    places = {text: place for place, text in enumerate(sorted({written(value) for value in values if value == value}))}
    return [places[written(value)] if value == value else math.nan for value in values]

"""How sure a comparison of systems on the same test data is: bootstrap intervals, paired tests, and Holm's correction.

A system's figure is a ratio of sums over utterances: errors per reference word, or per utterance. The bootstrap draws
utterances with replacement (M. Bisani and H. Ney, "Bootstrap estimates for confidence intervals in ASR performance
evaluation", ICASSP 2004, https://doi.org/10.1109/ICASSP.2004.1326009). Utterances of one speaker fail together: where
speakers are known, whole speakers are drawn instead (a cluster bootstrap).

Suffixes of shapes: S systems, N utterances, C clusters (of utterances that are drawn together), R resamples, K tests.
"""

from __future__ import annotations

import numpy as np

RESAMPLES = 10_000
LEVEL = 0.05
CELLS = 2_000_000  # weights that are in memory at a time


def resampled_rates(
    errors_SN: np.ndarray, units_SN: np.ndarray, clusters_N: np.ndarray, resamples: int = RESAMPLES, seed: int = 0
) -> np.ndarray:
    """Error rates (S, R) of all systems on the same resamples of the test data.

    Args:
        errors_SN: errors of each system in each utterance.
        units_SN: what could have been wrong: reference words, or 1 for a label.
        clusters_N: the number of the cluster of each utterance, 0 to C - 1; C is N to draw single utterances.
        resamples: how many to draw.
        seed: of the draws; the same seed and clusters give the same draws.
    """
    count = int(clusters_N.max()) + 1
    errors_SC, units_SC = (
        np.stack([np.bincount(clusters_N, row_N, count) for row_N in values_SN]) for values_SN in (errors_SN, units_SN)
    )
    rng = np.random.default_rng(seed)
    chunk = max(1, CELLS // count)
    rates = []
    for start in range(0, resamples, chunk):
        weights_RC = rng.multinomial(count, np.full(count, 1 / count), size=min(chunk, resamples - start))
        weights_CR = weights_RC.T.astype(np.float64)
        # a draw of nothing but empty references has no unit
        rates.append(errors_SC @ weights_CR / np.maximum(units_SC @ weights_CR, 1))
    return np.concatenate(rates, axis=1)


def interval(values_R: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval of a resampled figure."""
    low, high = np.quantile(values_R, [LEVEL / 2, 1 - LEVEL / 2])
    return float(low), float(high)


def p_value(differences_R: np.ndarray) -> float:
    """Two-sided, of the hypothesis that two systems are equally good, from the resampled differences of their figures.

    It is below 0.05 where the 95 % percentile interval of the difference leaves out 0; the observed data count as one
    more resample, so that it is never 0.
    """
    rarer = min((differences_R <= 0).sum(), (differences_R >= 0).sum())
    return min(1.0, 2 * (1 + float(rarer)) / (len(differences_R) + 1))


def holm(p_K: np.ndarray) -> np.ndarray:
    """p values (K,) adjusted for their number.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.

    >>> holm(np.array([0.03, 0.01, 0.5])).round(3).tolist()
    [0.06, 0.03, 0.5]
    """
    order = np.argsort(p_K)
    steps = np.maximum.accumulate(p_K[order] * np.arange(len(p_K), 0, -1))
    adjusted_K = np.empty_like(p_K)
    adjusted_K[order] = np.minimum(1, steps)
    return adjusted_K

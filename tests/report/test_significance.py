from __future__ import annotations

import numpy as np
import pytest

from asrx.report.significance import holm, interval, p_value, resampled_rates

UTTERANCES, SPEAKERS = 160, 40
SPEAKER_N = np.arange(UTTERANCES) % SPEAKERS


def p_values(rng, clusters_N, speaker_spread: float, worse: float = 0.0, pairs: int = 400) -> np.ndarray:
    """p of many pairs of classifiers, with 15 % errors; both fail on hard utterances, each has speakers it dislikes.

    Args:
        speaker_spread: of a system's own difficulty with a speaker, beside an utterance's own of 1.
        worse: shifts the second system's.
    """
    p = []
    for number in range(pairs):
        hard_N = rng.normal(size=UTTERANCES)
        speakers_SC = rng.normal(0, speaker_spread, (2, SPEAKERS))
        own_SN = rng.normal(size=(2, UTTERANCES)) + speakers_SC[:, SPEAKER_N]
        score_SN = (hard_N + own_SN + [[0], [worse]]) / np.sqrt(2 + speaker_spread**2)
        errors_SN = (score_SN > 1.04).astype(float)
        rates_SR = resampled_rates(errors_SN, np.ones_like(errors_SN), clusters_N, resamples=500, seed=number)
        p.append(p_value(rates_SR[1] - rates_SR[0]))
    return np.array(p)


def test_equal_systems_differ_significantly_in_five_of_a_hundred_pairs():
    rng = np.random.default_rng(0)
    assert 0.02 <= (p_values(rng, np.arange(UTTERANCES), speaker_spread=0) < 0.05).mean() <= 0.085


def test_with_speaker_effects_whole_speakers_must_be_drawn():
    clustered = (p_values(np.random.default_rng(1), SPEAKER_N, speaker_spread=2) < 0.05).mean()
    single = (p_values(np.random.default_rng(1), np.arange(UTTERANCES), speaker_spread=2, pairs=150) < 0.05).mean()
    assert 0.02 <= clustered <= 0.085
    assert single > 0.12


def test_a_true_difference_is_found():
    rng = np.random.default_rng(2)
    assert (p_values(rng, np.arange(UTTERANCES), speaker_spread=0, worse=0.9, pairs=100) < 0.05).mean() > 0.9


def test_a_rate_is_of_sums_and_all_systems_meet_the_same_draws():
    # two utterances of 1 and 9 words: a draw has the first 0, 1 or 2 times
    errors_SN, units_SN = np.array([[1.0, 0.0], [0.0, 9.0]]), np.array([[1.0, 9.0], [1.0, 9.0]])
    rates_SR = resampled_rates(errors_SN, units_SN, np.array([0, 1]), resamples=4000)
    assert set(rates_SR[0].round(6)) == {0.0, 0.1, 1.0}
    np.testing.assert_allclose(rates_SR.sum(axis=0), 1)
    assert (rates_SR[0] == 0.1).mean() == pytest.approx(0.5, abs=0.03)
    together = resampled_rates(errors_SN, units_SN, np.array([0, 0]), resamples=10)
    np.testing.assert_allclose(together, [[0.1] * 10, [0.9] * 10])


def test_chunks_do_not_repeat_each_other(monkeypatch):
    errors_SN = np.random.default_rng(0).integers(0, 2, (1, 50)).astype(float)
    whole = resampled_rates(errors_SN, np.ones((1, 50)), np.arange(50), resamples=300)
    monkeypatch.setattr("asrx.report.significance.CELLS", 50 * 100)
    parts = resampled_rates(errors_SN, np.ones((1, 50)), np.arange(50), resamples=300)
    np.testing.assert_array_equal(whole, parts)


def test_the_interval_holds_the_middle_and_is_as_wide_as_theory_says():
    errors_SN = (np.arange(1000) < 100).astype(float)[None]
    low, high = interval(resampled_rates(errors_SN, np.ones_like(errors_SN), np.arange(1000))[0])
    assert low < 0.1 < high
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.1 * 0.9 / 1000), rel=0.05)


def test_p_is_never_zero_and_one_for_equals():
    assert p_value(np.ones(999)) == pytest.approx(2 / 1000)
    assert p_value(-np.ones(999)) == pytest.approx(2 / 1000)
    assert p_value(np.zeros(999)) == 1


def test_holm_keeps_the_order_and_ends_at_one():
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.03, 0.9])), [0.09, 0.04, 0.09, 0.9])
    np.testing.assert_allclose(holm(np.array([0.6, 0.7])), [1, 1])
    assert len(holm(np.array([]))) == 0

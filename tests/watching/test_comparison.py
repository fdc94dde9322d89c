"""Alarms are as rare as they should be, and changes are found and named."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from asrx.types import UserError
from asrx.watching.comparison import compare, units_needed
from asrx.watching.profile import Profile, profile_of
from asrx.watching.quantities import QUANTITIES

KEYS = [quantity.key for quantity in QUANTITIES]
DRAWS, MANY = 100, 13  # more alarms than this at 0.05 come once in 2,000 times


def spoken(rng: np.random.Generator, speakers: int, recordings: int, known: bool = True) -> Profile:
    """Recordings that differ more from speaker to speaker than within one."""
    of_N = np.repeat(np.arange(speakers), recordings)
    values_NQ = rng.standard_normal((speakers, len(KEYS)))[of_N] + 0.5 * rng.standard_normal((len(of_N), len(KEYS)))
    return profile_of([f"{i}" for i in of_N], [f"s{i}" if known else None for i in of_N], values_NQ)


def moved(profile: Profile, key: str, by: float, first: int = 0) -> Profile:
    values_NQ = profile.values_NQ.copy()
    values_NQ[first:, KEYS.index(key)] += by
    return profile._replace(values_NQ=values_NQ)


@pytest.mark.parametrize(
    ("known", "speakers", "recordings"),
    [(True, 8, 6), (True, 30, 2), (True, 12, 1), (False, 40, 1), (False, 6, 1)],
)
def test_the_false_alarm_rate_is_held(known, speakers, recordings):
    rng = np.random.default_rng(0)
    alarms = sum(
        compare(spoken(rng, 14, 8), spoken(rng, speakers, recordings, known), 0.05)[0].changed for _ in range(DRAWS)
    )
    assert alarms <= MANY


def test_recordings_of_few_speakers_are_not_independent():
    rng = np.random.default_rng(0)
    alarms = sum(
        compare(spoken(rng, 6, 8, known=False), spoken(rng, 6, 8, known=False), 0.05)[0].changed for _ in range(20)
    )
    assert alarms > 10  # which is why speakers are asked for


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("by", [-4, 4])
def test_what_changed_is_named_first_with_its_direction(key, by):
    rng = np.random.default_rng(0)
    findings = compare(spoken(rng, 14, 8), moved(spoken(rng, 10, 4), key, by), 0.01)
    first = findings[0]
    assert (first.quantity.key, first.changed) == (key, True)
    assert [finding.changed for finding in findings[1:]] == [False] * (len(KEYS) - 1)
    assert (first.quantity.more if by > 0 else first.quantity.less) in first.told
    assert first.production - first.reference == pytest.approx(by, abs=1.5)


def test_the_recordings_that_show_it_are_named_the_furthest_first():
    rng = np.random.default_rng(0)
    production = moved(spoken(rng, 40, 1), "snr", -6, first=20)
    production.values_NQ[33, KEYS.index("snr")] = -30
    first = compare(spoken(rng, 30, 2), production, 0.01)[0]
    assert first.quantity.key == "snr"
    assert first.shown[0] == 33
    assert len(first.shown) > 15 and min(first.shown) >= 20
    assert not any(finding.shown for finding in compare(spoken(rng, 30, 2), spoken(rng, 30, 2), 0.01))


def test_of_one_quantity_it_is_the_test_of_kolmogorov_and_smirnov():
    rng = np.random.default_rng(0)
    sides = [rng.standard_normal(40), rng.standard_normal(25) + 0.3]
    own = [profile_of([""] * len(side), [None] * len(side), np.repeat(side[:, None], len(KEYS), 1)) for side in sides]
    expected = ks_2samp(*sides, method="exact").pvalue
    assert 0.01 < expected < 0.5
    assert compare(*own, 0.01)[0].p == pytest.approx(expected, abs=0.02)


def test_what_is_always_the_same_is_no_change():
    own = profile_of([""] * 30, [None] * 30, np.ones((30, len(KEYS))))
    assert {finding.p for finding in compare(own, own, 0.01)} == {1.0}


def test_too_few_are_told_how_many_it_takes():
    rng = np.random.default_rng(0)
    reference = spoken(rng, 10, 4)
    least = units_needed(reference, 0.01)
    with pytest.raises(UserError, match=f"has {least - 1} speakers, too few .* the 10 of the reference: .* {least}"):
        compare(reference, spoken(rng, least - 1, 50), 0.01)
    assert compare(reference, moved(spoken(rng, least, 50), "level", 90), 0.01)[0].changed
    with pytest.raises(UserError, match=r"has 3 recordings"):
        compare(reference, spoken(rng, 3, 1, known=False), 0.01)

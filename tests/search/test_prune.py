from __future__ import annotations

import pytest

from asrx.search.prune import ASHA, Median
from asrx.types import UserError

OTHERS = [[0.1] * 9, [0.2] * 9, [0.3] * 9, [0.4] * 9, [0.5] * 9]


@pytest.mark.parametrize(
    ("epochs", "score", "ends"),
    [
        pytest.param(1, 0.45, False, id="among the best two of six"),
        pytest.param(1, 0.35, True, id="the third of six"),
        pytest.param(2, 0.35, False, id="no look after two epochs"),
        pytest.param(3, 0.35, True, id="a look after three"),
        pytest.param(9, 0.35, True, id="and after nine"),
        pytest.param(10, 0.0, False, id="but not after ten"),
    ],
)
def test_asha_keeps_the_best_third(epochs, score, ends):
    assert bool(ASHA(min_epochs=1)([score] * epochs, OTHERS)) == ends


def test_asha_counts_only_those_that_came_so_far():
    short = [curve[:2] for curve in OTHERS]
    assert ASHA(min_epochs=1)([0.0] * 3, short) is None
    assert ASHA(min_epochs=1)([0.35] * 3, [*short, [0.4] * 3])


def test_asha_begins_and_grows_as_told():
    rule = ASHA(min_epochs=2, factor=2)
    assert [bool(rule([0.0] * n, OTHERS)) for n in range(1, 9)] == [n in (2, 4, 8) for n in range(1, 9)]


@pytest.mark.parametrize(("epochs", "score", "ends"), [(3, 0.29, True), (3, 0.3, False), (2, 0.0, False)])
def test_median_keeps_the_better_half(epochs, score, ends):
    assert bool(Median()([score] * epochs, OTHERS)) == ends


def test_median_waits_for_enough_others():
    assert Median()([0.0] * 5, OTHERS[:3]) is None


@pytest.mark.parametrize("settings", [{"min_epochs": 0}, {"factor": 1}])
def test_senseless_settings_are_refused(settings):
    with pytest.raises(UserError, match="ASHA takes"):
        ASHA(**settings)

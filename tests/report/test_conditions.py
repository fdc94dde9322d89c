"""Where a system fails: which groups there are, and which of them are said to differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sweeps import write_run

from asrx.report.compare.by_condition import by_condition
from asrx.report.compare.ranking import rank
from asrx.report.compare.systems import of_run
from asrx.report.conditions import conditions, groups
from asrx.report.errors import KINDS, judge
from asrx.report.folder import Prediction, read_run

KIND = KINDS["classification"]


def predictions(right, **columns) -> list[Prediction]:
    """A classifier's answers, with tags by column."""
    return [
        Prediction(f"u{n}", f"{n}.wav", 0.0, None, None, "yes", "yes" if hit else "no", -0.1, tags=dict(given))
        for n, hit, given in zip(
            range(len(right)),
            right,
            ({name: values[n] for name, values in columns.items() if values[n] is not None} for n in range(len(right))),
            strict=False,
        )
    ]


def test_what_differs_is_told_from_what_does_not():
    accents = ["far" if n % 4 == 0 else "near" for n in range(200)]
    coins = ["heads" if n % 2 else "tails" for n in range(200)]
    right = [n % 4 > 0 or n % 8 == 0 for n in range(200)]  # half of what is far is wrong
    found = conditions(KIND, judge(KIND, predictions(right, accent=accents, coin=[*coins[1:], "heads"])))
    far, near = found["accent"]
    assert (far.value, far.utterances, far.figure, far.rest, far.differs) == ("far", 50, 0.5, 1.0, True)
    assert (near.value, near.figure, near.differs) == ("near", 1.0, True)
    assert 0.3 < far.interval[0] < 0.5 < far.interval[1] < 0.7
    even = conditions(KIND, judge(KIND, predictions([n % 7 > 0 for n in range(200)], coin=coins[:100] * 2)))
    assert not any(one.differs for one in even["coin"])


def test_the_worst_come_first_where_a_greater_figure_is_worse():
    kind, said = KINDS["error_rate"], ["a b"] * 20
    heard = ["a b"] * 10 + ["a c"] * 10
    given = [
        replace(one, reference=text, hypothesis=answer)
        for one, text, answer in zip(
            predictions([True] * 20, room=["quiet"] * 10 + ["loud"] * 10), said, heard, strict=True
        )
    ]
    assert [(one.value, one.figure) for one in conditions(kind, judge(kind, given))["room"]] == [
        ("loud", 0.5),
        ("quiet", 0.0),
    ]


def test_numbers_are_divided_into_quarters_and_other_columns_by_value():
    right = [True] * 40
    given = predictions(
        right,
        snr=[str(n / 2) for n in range(40)],
        id=[f"name {n}" for n in range(40)],
        take=[str(n % 2) for n in range(40)],
        few=["much"] * 36 + ["little"] * 4,
        some=["one"] * 10 + ["other"] * 10 + [None] * 20,
    )
    found: dict[str, dict[str, int]] = {}
    for group in groups(given):
        found.setdefault(group.column, {})[group.value] = len(group.places)
    assert found == {
        "snr": {"below 4.88": 10, "4.88 to 9.75": 10, "9.75 to 14.6": 10, "14.6 and more": 10},
        "take": {"0": 20, "1": 20},
        "some": {"one": 10, "other": 10},
    }
    assert groups([]) == [] and conditions(KIND, []) == {}


def test_systems_are_compared_on_each_group(tmp_path):
    places = np.arange(200)
    odd = places % 2 == 1
    rights = {"all": places % 10 > 0, "even": ~odd, "odd": odd | (places % 4 == 0)}
    systems = [of_run(read_run(write_run(tmp_path / name, right, speakers=2)), name) for name, right in rights.items()]
    ranking = rank(systems, None)
    assert [one.system.name for one in ranking.standings] == ["all", "odd", "even"]
    first, second = by_condition(ranking)["speaker"]
    assert [(cell.figure, cell.verdict) for cell in first.cells] == [(0.8, "best"), (0.5, "worse"), (1.0, "better")]
    assert [(cell.figure, cell.verdict) for cell in second.cells] == [
        (1.0, "best"),
        (1.0, "within noise"),
        (0, "worse"),
    ]
    assert by_condition(rank(systems[:1], None)) == {}

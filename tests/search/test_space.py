from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from asrx.search.space import Space
from asrx.types import UserError

MIXED = {
    "optimizer.lr": "tag(log, interval(1e-4, 1e-2))",
    "features.n_mels": "int(interval(20, 80))",
    "model.encoder.layers": "range(1, 4)",
    "model.encoder.channels": "choice([8, 16], [16, 32])",
    "augment": "none,specaug",
    "augment=specaug": {"augment.frames.0.count": "choice(1, 2)"},
    "seed": 7,
}
COUNTABLE = {"a": "choice(1, 2)", "b": "choice(x, y)", "b=y": {"c": "range(0, 3)"}}


def space(mapping) -> Space:
    return Space(mapping, lambda group: ["none", "specaug"])


def test_a_grid_has_every_point_once():
    points = list(space(COUNTABLE).grid())
    assert points == [
        {"a": a} | rest for a in (1, 2) for rest in ({"b": "x"}, *({"b": "y", "c": c} for c in (0, 1, 2)))
    ]
    assert space(COUNTABLE).size == len(points) == 8


def test_an_interval_cannot_be_counted_but_its_whole_numbers_can():
    assert space(MIXED).size is None
    assert list(space({"n": "int(interval(2, 4))"}).grid()) == [{"n": 2}, {"n": 3}, {"n": 4}]
    assert space({"n": "int(interval(1, 1000000))"}).size is None


def test_quotes_are_not_part_of_a_value():
    mapping = {"a": "choice('x y', z)", "b": "choice(['x', 'y'], [z])"}
    assert next(space(mapping).grid()) == {"a": "x y", "b": ["x", "y"]}
    written = space(mapping).overrides({"a": "x y", "b": ["x", "y"]})
    assert [one.value() for one in OverridesParser.create().parse_overrides(written)] == ["x y", ["x", "y"]]


@pytest.mark.parametrize(("values", "condition"), [("true,false", "a=true"), ("1e-3,1e-2", "a=0.001")])
def test_conditions_are_compared_by_value(values, condition):
    assert space({"a": values, condition: {"b": "1,2"}}).size == 3


def test_a_point_becomes_overrides():
    point = {
        "optimizer.lr": 0.003,
        "features.n_mels": 40,
        "model.encoder.layers": 2,
        "model.encoder.channels": [16, 32],
        "augment": "specaug",
        "augment.frames.0.count": 2,
        "seed": 7,
    }
    assert space(MIXED).contains(point)
    assert space(MIXED).overrides(point) == [
        "optimizer.lr=0.003",
        "features.n_mels=40",
        "model.encoder.layers=2",
        "model.encoder.channels=[16,32]",
        "augment=specaug",
        "augment.frames.0.count=2",
        "seed=7",
    ]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"a": 3}, id="a value that is no option"),
        pytest.param({"b": "x", "c": 0}, id="a key that does not exist under this choice"),
        pytest.param({"b": "y"}, id="a key is missing"),
        pytest.param({"d": 0}, id="a key of another space"),
    ],
)
def test_points_of_other_spaces_are_known(change):
    assert space(COUNTABLE).contains({"a": 1, "b": "x"})
    assert not space(COUNTABLE).contains({"a": 1, "b": "x"} | change)


@pytest.mark.parametrize(("value", "inside"), [(20, True), (80, True), (19, False), (81, False), (30.5, False)])
def test_intervals_end_where_they_say(value, inside):
    assert space({"n": "int(interval(20, 80))"}).contains({"n": value}) == inside


def test_every_value_is_in_one_of_the_points_to_check():
    points = list(space(MIXED).samples())
    assert all(space(MIXED).contains(point) for point in points)
    seen = {(key, str(value)) for point in points for key, value in point.items()}
    assert {("optimizer.lr", "0.0001"), ("optimizer.lr", "0.01"), ("augment.frames.0.count", "2")} <= seen
    assert {("model.encoder.channels", "[16, 32]"), ("model.encoder.layers", "3"), ("augment", "none")} <= seen


def test_glob_means_the_choices_of_a_group():
    assert list(space({"augment": "glob(*)"}).grid()) == [{"augment": "none"}, {"augment": "specaug"}]


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"a": "choice(1"}, "a=choice\\(1 is not in Hydra's grammar"),
        ({"a": [1, 2]}, "write choice"),
        ({"a": "interval(2, 1)"}, "start below its end"),
        ({"a": "tag(log, interval(0, 1))"}, "above 0"),
        ({"a": "choice(1, 2)", "a=3": {"b": "1,2"}}, "a=3 is no choice of this space; a is one of 1, 2"),
        ({"a=1": {"b": "1,2"}}, "a is no choice beside it"),
        ({"a": "interval(0, 1)", "a=1": {"b": "1,2"}}, "is no choice"),
        ({"a": "1,2", "a=1": "5"}, "under a=1 write the keys"),
        ({"a": "1,2", "b": "1,2", "a=1": {"b": "3,4"}}, "b stands in two places"),
        ({"a": "1,2", "b": "1,2", "a=1": {"c": "1,2"}, "b=1": {"c": "3,4"}}, "c stands in two places"),
        ({"augment": "glob(x*)"}, "has no values"),
        ({"a": "choice(1, 2, 1)"}, "a=choice\\(1, 2, 1\\) has 1 twice"),
        ({"a": "interval(1, inf)"}, "start below its end"),
        ({"a": "shuffle(range(1, 9))"}, "leave out shuffle"),
        ({5: "1,2"}, "5 is no key"),
    ],
)
def test_what_is_no_space_is_refused(mapping, words):
    with pytest.raises(UserError, match=words):
        space(mapping)

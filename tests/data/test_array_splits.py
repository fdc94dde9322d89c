from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import train_test_split
from sklearn.utils import shuffle

from asrx.data.copies import Offline, plan
from asrx.data.splits.train_test_split import TrainTestSplit
from asrx.data.splits.validation_split import ValidationSplit
from asrx.types import UserError, Utterance

CORPUS = [Utterance(f"{i % 5}_{i:03d}", "a.wav", str(i % 5), f"speaker{i % 3}", "train") for i in range(100)]
# document 002: Speech Commands v0.01
WORDS = {
    word: int(count)
    for word, count in (
        pair.split()
        for pair in (
            "right 2367, eight 2352, cat 1733, tree 1733, bed 1713, happy 1742, go 2372, dog 1746, no 2375, wow 1745, "
            "nine 2364, left 2353, stop 2380, three 2356, sheila 1734, one 2370, bird 1731, zero 2376, seven 2377, "
            "up 2375, marvin 1746, two 2373, house 1750, down 2359, six 2369, yes 2377, on 2367, five 2357, off 2357, "
            "four 2372"
        ).split(", ")
    )
}


def part(utterances, split: str) -> list[str]:
    return [u.id for u in utterances if u.split == split]


@pytest.mark.parametrize(("held_out", "size"), [(0.3, 30), (0.2, 20)])
def test_it_is_what_scikit_learn_draws_after_a_shuffle(held_out, size):
    """Document 004: its seeds are 33 and 45."""
    names = shuffle(sorted(u.id for u in CORPUS), random_state=33)
    labels = [name[0] for name in names]
    train, rest = train_test_split(names, test_size=held_out, stratify=labels, random_state=45)
    assigned = TrainTestSplit(held_out, seed=45, shuffle_seed=33).assign(CORPUS[::-1])
    assert (part(assigned, "train"), part(assigned, "val")) == (train, rest)
    assert len(rest) == size


def test_without_a_shuffle_and_without_labels():
    names = sorted(u.id for u in CORPUS)
    train, rest = train_test_split(names, test_size=0.3, random_state=1992)
    assigned = TrainTestSplit(0.3, seed=1992, stratify=False).assign(CORPUS)
    assert (part(assigned, "train"), part(assigned, "val")) == (train, rest)


def test_what_is_held_out_validates_and_tests():
    assigned = TrainTestSplit(0.3, seed=1).assign(CORPUS)
    assert part(assigned, "test") == part(assigned, "val")
    assert sorted([*part(assigned, "train"), *part(assigned, "val")]) == sorted(u.id for u in CORPUS)


def test_every_label_keeps_its_share():
    assigned = TrainTestSplit(0.3, seed=1).assign(CORPUS)
    assert Counter(u.text for u in assigned if u.split == "val") == {str(label): 6 for label in range(5)}


def test_the_order_of_the_utterances_does_not_matter():
    assert TrainTestSplit(0.3, 1, shuffle_seed=2).assign(CORPUS[::-1]) == TrainTestSplit(0.3, 1, shuffle_seed=2).assign(
        CORPUS
    )


def test_copies_follow_the_recordings_in_the_array():
    pooled = [replace(u, id=f"{u.id}#2", copy=2) for u in CORPUS] + CORPUS
    names = [*sorted(u.id for u in CORPUS), *sorted(f"{u.id}#2" for u in CORPUS)]
    train, _ = train_test_split(names, test_size=0.3, random_state=1, stratify=[name[0] for name in names])
    assert part(TrainTestSplit(0.3, 1).assign(pooled), "train") == train


@pytest.mark.parametrize("stratify", [True, False])
def test_document_002_has_the_sizes_it_published(stratify):
    corpus = [Utterance(f"{word}/{i}", "a.wav", word) for word, count in WORDS.items() for i in range(count)]
    assert len(corpus) == 64_721
    noise = {"_target_": "asrx.augment.uniform_noise.UniformNoise"}
    offline = Offline([[None, noise]], mixup=None, share=0.3, bootstrap=False, before_split=True, seed=420)
    pooled, _ = plan(corpus, offline)
    assert Counter(u.copy for u in pooled) == {0: 64_721, 2: 19_417}
    assigned = TrainTestSplit(0.3, seed=1992, stratify=stratify).assign(pooled)
    assert Counter(u.split for u in assigned) == {"train": 58_896, "val": 25_242, "test": 25_242}
    trained = {name.partition("#")[0] for name in part(assigned, "train")}
    leaked = sum(name.partition("#")[0] in trained for name in part(assigned, "val"))
    assert leaked == pytest.approx(8_238, abs=200), "as many recordings are on both sides as were"


@pytest.mark.parametrize(
    ("held_out", "message"),
    [
        (0.01, r"dataset.split.held_out=0.01: The test_size = 1 should be .*: change it, or add recordings\.$"),
        (1.0, r"dataset.split.held_out=1.0: .*: change it, or add recordings\.$"),
    ],
)
def test_a_share_that_cannot_be_held_out_is_told(held_out, message):
    with pytest.raises(UserError, match=message):
        TrainTestSplit(held_out, seed=1).assign(CORPUS)


TEST = [Utterance(f"t{i}", "a.png", "yes", split="test") for i in range(3)]


def given(count: int) -> list[Utterance]:
    """In an order that is not that of their names."""
    return [Utterance(str(name), "a.png", "yes") for name in np.random.default_rng(0).permutation(count)]


@pytest.mark.parametrize(
    ("count", "val", "train"), [(2001, 0.5, 1000), (4002, 0.5, 2001), (10, 0.2, 8), (10, 0.25, 7), (3, 0.1, 2)]
)
def test_the_end_of_the_array_validates(count, val, train):
    """Keras keeps the first int(n * (1 - share)) to train on."""
    array = given(count)
    assigned = ValidationSplit(val).assign([*array, *TEST])
    assert part(assigned, "train") == [u.id for u in array[:train]]
    assert part(assigned, "val") == [u.id for u in array[train:]]
    assert part(assigned, "test") == [u.id for u in TEST]


def test_a_corpus_s_own_validation_part_is_in_the_array_too():
    array = [replace(u, split=["train", "val"][i % 2]) for i, u in enumerate(given(10))]
    assert part(ValidationSplit(0.5).assign([*TEST, *array]), "train") == [u.id for u in array[:5]]


@pytest.mark.parametrize(
    ("utterances", "val", "message"),
    [
        pytest.param(given(10), 0.5, "this corpus has none: give it one", id="no test part"),
        pytest.param([*given(10), *TEST], 1.0, r"dataset.split.val=1.0 leaves a part of 10 utterances empty", id="all"),
        pytest.param(
            [*given(10), *TEST], 0.0, r"dataset.split.val=0.0 leaves a part of 10 utterances empty", id="none"
        ),
        pytest.param([*given(1), *TEST], 0.5, r"leaves a part of 1 utterances empty", id="one utterance"),
    ],
)
def test_an_array_that_cannot_be_split_is_told(utterances, val, message):
    with pytest.raises(UserError, match=message):
        ValidationSplit(val).assign(utterances)


def test_a_fold_of_an_array_takes_the_place_of_the_test_part():
    array = [Utterance(f"{i:02}", "a.wav", "x") for i in range(10)]
    tested = [Utterance("t", "a.wav", "x", split="test")]
    protocol = ValidationSplit(0.3)
    fold = protocol.fold(protocol.assign([*array, *tested]), 3, 1)
    parts = {split: [u.id for u in fold if u.split == split] for split in ("train", "val", "test")}
    # KFold gives the first fold the one that is left over
    assert parts == {"train": ["00", "01", "02", "03"], "val": ["07", "08", "09"], "test": ["04", "05", "06"]}


def test_one_part_for_validation_and_test_has_no_folds():
    with pytest.raises(UserError, match="has no folds"):
        TrainTestSplit(0.2, 0).fold([], 3, 0)

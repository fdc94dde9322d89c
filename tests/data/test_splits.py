from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import pytest

from asrx.data.splits.by_speaker import BySpeaker
from asrx.data.splits.leave_speakers_out import LeaveSpeakersOut
from asrx.data.splits.random import Random
from asrx.data.splits.stratified import Stratified
from asrx.types import UserError, Utterance

# 3 labels x 10 speakers x 4 repetitions
CORPUS = [
    Utterance(f"{text}-{speaker}-{i}", "a.wav", text, f"speaker{speaker}")
    for text in ("yes", "no", "stop")
    for speaker in range(10)
    for i in range(4)
]
PROTOCOLS = pytest.mark.parametrize("protocol", [Random, Stratified, BySpeaker])


def counts(utterances) -> dict[str, int]:
    return dict(Counter(u.split for u in utterances))


@PROTOCOLS
def test_every_part_holds_its_share_and_no_utterance_is_lost(protocol):
    assigned = protocol(val=0.1, test=0.2).assign(CORPUS)
    assert [replace(u, split=None) for u in assigned] == sorted(CORPUS, key=lambda u: u.id)
    assert counts(assigned) == {"train": 84, "val": 12, "test": 24}


@PROTOCOLS
def test_the_draw_depends_on_the_seed_and_not_on_the_order(protocol):
    assert protocol(0.1, 0.1, seed=1).assign(CORPUS[::-1]) == protocol(0.1, 0.1, seed=1).assign(CORPUS)
    assert protocol(0.1, 0.1, seed=2).assign(CORPUS) != protocol(0.1, 0.1, seed=1).assign(CORPUS)


def test_stratified_keeps_the_share_of_every_label_also_of_a_rare_one():
    corpus = CORPUS + [Utterance(f"rare-{i}", "a.wav", "rare") for i in range(3)]
    labels = Counter((u.text, u.split) for u in Stratified(val=0.1, test=0.2).assign(corpus))
    assert {split: labels["yes", split] for split in ("train", "val", "test")} == {"train": 28, "val": 4, "test": 8}
    assert {split: labels["rare", split] for split in ("train", "val", "test")} == {"train": 1, "val": 1, "test": 1}


def test_stratified_leaves_something_to_train_on_when_the_shares_round_up():
    corpus = [Utterance(str(i), "a.wav", "yes") for i in range(4)]
    assert counts(Stratified(val=0.45, test=0.45).assign(corpus)) == {"train": 1, "val": 1, "test": 2}


@pytest.mark.parametrize("share", [0.1, 0.4, 0.49], ids=["a tenth each", "two fifths each", "half each"])
def test_by_speaker_no_speaker_is_in_two_parts_and_all_parts_have_some(share):
    lopsided = CORPUS + [replace(u, id=f"more-{u.id}-{i}") for u in CORPUS if u.speaker == "speaker3" for i in range(9)]
    for seed in range(20):
        homes = defaultdict(set)
        for u in BySpeaker(val=share, test=share, seed=seed).assign(lopsided):
            homes[u.split].add(u.speaker)
        assert sum(len(speakers) for speakers in homes.values()) == 10
        assert set(homes) == {"train", "val", "test"}


def own(val: bool, test: bool) -> list[Utterance]:
    """The corpus with official parts: speaker 0 for validation, speaker 1 for test."""
    parts = {"speaker0": "val" if val else "train", "speaker1": "test" if test else "train"}
    return [replace(u, split=parts.get(u.speaker, "train")) for u in CORPUS]


@PROTOCOLS
@pytest.mark.parametrize(
    ("corpus", "shares", "official", "expected"),
    [
        pytest.param(own(True, True), (0.2, 0.2), True, {"train": 96, "val": 12, "test": 12}, id="both are kept"),
        pytest.param(own(False, True), (1 / 9, 0.2), True, {"train": 96, "val": 12, "test": 12}, id="one is carved"),
        pytest.param(own(False, True), (0, 0.2), True, {"train": 108, "test": 12}, id="a share of 0 carves nothing"),
        pytest.param(own(True, True), (0.2, 0.2), False, {"train": 72, "val": 24, "test": 24}, id="both are ignored"),
    ],
)
def test_the_official_parts(protocol, corpus, shares, official, expected):
    assigned = protocol(*shares, official=official).assign(corpus)
    assert counts(assigned) == expected
    kept = {u.id: u.split for u in assigned if u.speaker in ("speaker0", "speaker1")}
    theirs = {u.id: u.split for u in corpus if u.split in ("val", "test")}
    assert (theirs.items() <= kept.items()) == official


@pytest.mark.parametrize(
    ("protocol", "corpus", "message"),
    [
        pytest.param(
            BySpeaker(0.1, 0.1), [*CORPUS, Utterance("x", "a.wav", "yes")], "1 utterances .x ", id="unknown speaker"
        ),
        pytest.param(BySpeaker(0.1, 0.1), CORPUS[:8], "needs 3 speakers .* there are 2", id="too few speakers"),
        pytest.param(
            Stratified(0.1, 0.1), [*CORPUS, Utterance("go-1", "a.wav", "go")], "label 'go' has 1", id="rare label"
        ),
        pytest.param(Random(0.1, 0.1), CORPUS[:2], "2 utterances cannot be split", id="too few utterances"),
        pytest.param(Random(0.5, 0.5), CORPUS, "leave nothing to train on", id="shares add up to all"),
        pytest.param(Random(0, 10), CORPUS, "dataset.split.test=10 is not a share", id="per cent instead of a share"),
        pytest.param(
            Random(0, 0), [replace(u, split="test") for u in CORPUS], "no utterances to train on", id="only test"
        ),
    ],
)
def test_what_cannot_be_split_is_told(protocol, corpus, message):
    with pytest.raises(UserError, match=message):
        protocol.assign(corpus)


def test_named_speakers_are_tested_on_and_nobody_else():
    official = [replace(u, split=["train", "val", "test"][i % 3]) for i, u in enumerate(CORPUS)]
    assigned = LeaveSpeakersOut(["speaker3", "speaker7"], val=0.25).assign(official)
    assert {u.speaker for u in assigned if u.split == "test"} == {"speaker3", "speaker7"}
    assert not {u.speaker for u in assigned if u.split != "test"} & {"speaker3", "speaker7"}
    assert counts(assigned) == {"train": 72, "val": 24, "test": 24}


def test_validation_is_drawn_label_by_label_from_the_others():
    assigned = LeaveSpeakersOut(["speaker3"], val=0.25).assign(CORPUS)
    assert Counter(u.text for u in assigned if u.split == "val") == {"yes": 9, "no": 9, "stop": 9}
    assert [replace(u, split=None) for u in assigned] == sorted(CORPUS, key=lambda u: u.id)


def test_the_draw_of_the_others_has_a_seed():
    first, again, other = (LeaveSpeakersOut(["speaker3"], 0.25, seed=seed) for seed in (1, 1, 2))
    assert first.assign(CORPUS) == again.assign(CORPUS[::-1]) != other.assign(CORPUS)


@pytest.mark.parametrize(
    ("speakers", "message"),
    [
        (["theo"], r"dataset.split.speakers: nobody is called theo; there are speaker0, speaker1, .*speaker9\.$"),
        ([], "must name some of speaker0, .* and not all"),
        ([f"speaker{i}" for i in range(10)], "must name some of speaker0, .* and not all"),
    ],
    ids=["unknown", "nobody", "everybody"],
)
def test_speakers_that_cannot_be_left_out_are_told(speakers, message):
    with pytest.raises(UserError, match=message):
        LeaveSpeakersOut(speakers, 0.1).assign(CORPUS)


def corpus_of(labels: int, speakers: int, each: int) -> list[Utterance]:
    """Every speaker says every label `each` times; speakers are unequal in what else they say."""
    named = [
        (f"{s}-{text}-{i}", str(text), f"s{s}") for s in range(speakers) for text in range(labels) for i in range(each)
    ]
    more = [(f"{s}-more-{i}", "0", f"s{s}") for s in range(speakers) for i in range(s)]
    return [Utterance(name, "a.wav", text, speaker) for name, text, speaker in [*named, *more]]


@pytest.mark.parametrize("protocol", [Random(0.1, 0.2), Stratified(0.1, 0.2), BySpeaker(0.1, 0.2)])
def test_folds_divide_what_is_not_tested(protocol):
    assigned = protocol.assign(corpus_of(labels=4, speakers=12, each=3))
    tested = {u.id for u in assigned if u.split == "test"}
    folds = [protocol.fold(assigned, 3, i) for i in range(3)]
    held_out = [{u.id for u in fold if u.split == "val"} for fold in folds]
    assert [{u.id for u in fold if u.split == "test"} for fold in folds] == [tested] * 3
    assert set.union(*held_out) == {u.id for u in assigned} - tested
    assert sum(map(len, held_out)) == len(assigned) - len(tested)
    assert max(map(len, held_out)) < 1.3 * min(map(len, held_out))


def test_folds_keep_labels_even_or_speakers_whole():
    utterances = corpus_of(labels=4, speakers=12, each=3)
    by_label = Stratified(0.1, 0.2)
    for index in range(3):
        fold = by_label.fold(by_label.assign(utterances), 3, index)
        counts = [Counter(u.text for u in fold if u.split == split) for split in ("train", "val")]
        assert all(abs(counts[0][text] - 2 * counts[1][text]) <= 2 for text in counts[0])
    by_speaker = BySpeaker(0.1, 0.2)
    fold = by_speaker.fold(by_speaker.assign(utterances), 3, 1)
    heard = {split: {u.speaker for u in fold if u.split == split} for split in ("train", "val", "test")}
    assert not heard["train"] & heard["val"] and not heard["val"] & heard["test"]


@pytest.mark.parametrize(
    ("protocol", "of", "index", "words"),
    [
        (Stratified(0.1, 0.2), 1, 0, "is no fold"),
        (Stratified(0.1, 0.2), 3, 3, "is no fold"),
        (Stratified(0.1, 0.2), 90, 0, "too few for 90 folds"),
        (BySpeaker(0.1, 0.2), 12, 0, "speakers cannot be divided"),
        (Random(0.1, 0.2), 999, 0, "cannot be divided"),
    ],
)
def test_folds_that_cannot_be_are_refused(protocol, of, index, words):
    with pytest.raises(UserError, match=words):
        protocol.fold(protocol.assign(corpus_of(labels=4, speakers=12, each=3)), of, index)

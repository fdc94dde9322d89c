from __future__ import annotations

import json

import pytest

from asrx.data.checks import find_problems, handle, least_samples, outside
from asrx.types import UserError, Utterance


def encode(text):
    if "?" in text:
        raise ValueError("characters outside the alphabet: '?'")
    return list(text)


UTTERANCES = [
    Utterance("fine", "a.wav", "yes", "ann", "train"),
    Utterance("broken", "b.wav", "yes", "ann", "train"),
    Utterance("strange", "c.wav", "what?", "ann", "train"),
    Utterance("short", "d.wav", "abcdefghijk", "ann", "train"),
    Utterance("shared", "e.wav", "no", "eve", "train"),
    Utterance("val", "f.wav", "no", "bob", "val"),
    Utterance("test", "g.wav", "no", "eve", "test"),
]


def problems(speaker_disjoint=True):
    return find_problems(
        UTTERANCES,
        audio_errors={1: "holds no samples"},
        lengths=[100] * len(UTTERANCES),
        made_of=[(n,) for n in range(len(UTTERANCES))],
        encode=encode,
        out_len=lambda n: n // 10,
        feasible=lambda frames, target: frames >= len(target),
        speaker_disjoint=speaker_disjoint,
    )


def test_each_kind_of_problem_is_found_and_the_test_part_stays_whole():
    found = {UTTERANCES[p.place].id: (p.kind, p.detail) for p in problems()}
    assert found == {
        "broken": ("unusable audio", "holds no samples"),
        "strange": ("text that cannot be a target", "characters outside the alphabet: '?'"),
        "short": ("too short for CTC to align", "11 characters in 10 encoder frames"),
        "shared": ("speaker in two splits", "eve speaks in train and in test"),
    }


def test_a_copy_that_is_too_short_is_said_to_be_one():
    copies = [Utterance("short#1", "d.wav", "abcdefghijk", "ann", "train", copy=1)]
    found = find_problems(copies, {}, [100], [(1,)], encode, lambda n: n // 10, lambda n, t: n >= len(t), False)
    assert found[0].detail == "11 characters in 10 encoder frames, in a copy that augment.offline made"


def test_what_augmentation_must_leave_is_found_for_those_that_it_might_shorten_too_far():
    members = {3: Utterance("a", "a.wav", "abcdefgh"), 4: Utterance("b", "b.wav", "abc"), 5: UTTERANCES[3]}
    members[6] = Utterance("c#mixture0", "c.wav", "abc", copy=-1, other="abcdefghi")
    lengths, settings = [0, 0, 0, 100, 100, 500, 99], (encode, lambda n: n // 10, lambda n, t: n >= len(t))
    assert least_samples(members, lengths, *settings, shortest=0.5) == {3: 80, 6: 90}
    assert least_samples(members, lengths, *settings, shortest=0.9) == {6: 90}


def test_speakers_may_be_shared_where_the_split_says_so():
    assert "speaker in two splits" not in {p.kind for p in problems(speaker_disjoint=False)}


def test_error_counts_lists_and_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"4 of 7 utterances .*1 unusable audio.*dataset.on_bad=skip"):
        handle(problems(), UTTERANCES, "error", tmp_path / "bad.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["broken", "strange", "short", "shared"]


def test_skip_leaves_them_out(tmp_path):
    assert handle(problems(), UTTERANCES, "skip", tmp_path / "bad.jsonl") == {1, 2, 3, 4}


def test_skip_may_not_empty_a_split(tmp_path):
    with pytest.raises(UserError, match="leaves nothing in the val part"):
        handle([p._replace(place=5) for p in problems()[:1]], UTTERANCES, "skip", tmp_path / "bad.jsonl")


def test_too_short_and_too_long_recordings_do_not_train():
    seconds = {3: 0.2, 5: 1.0, 6: 2.0, 9: 150.0}
    assert outside(seconds, 0.0, None) == set()
    assert outside(seconds, 1.0, 2.0) == {3, 9}
    with pytest.raises(UserError, match=r"leave out all 4 training utterances, which have 0.20 to 150.00 s"):
        outside(seconds, 160.0, None)
    with pytest.raises(UserError, match=r"dataset.max_seconds=1 should be numbers from 0, the first the smaller"):
        outside(seconds, 2, 1)

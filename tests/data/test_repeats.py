from __future__ import annotations

from asrx.data.repeats import faults, told
from asrx.types import Utterance

ROWS = [
    ("a", "a.wav", "yes", "train", 1),
    ("b", "other/b.wav", "yes", "test", 1),
    ("c", "c.wav", "no", "train", 2),
    ("d", "d.wav", "no", "val", 2),
    ("e", "e.wav", "up", "train", 3),
    ("f", "e.wav", "up", "train", 3),
    ("g", "g.wav", "on", "train", 4),
    ("h", "h.wav", "off", "train", 4),
    ("i", "i.wav", "on ", "train", 5),
    ("j", "j.wav", " on", "train", 5),
    ("k", "k.wav", "on", "val", 6),
    ("l", "l.wav", "on", "test", 6),
    ("m", "m.wav", "on", "train", 7),  # as augment.offline.bootstrap draws
    ("m", "m.wav", "on", "train", 7),
    ("n", "n.wav", "on", "train", 8),
    ("o", "o.wav", "off", "test", 8),
]
UTTERANCES = [Utterance(name, audio, text, None, split) for name, audio, text, split, _ in ROWS]
MADE_OF = [(row[-1],) for row in ROWS]


def by_name(utterances, found) -> dict[str, tuple[str, str]]:
    return {utterances[place].id: fault for place, fault in found.items()}


def test_recordings_are_known_by_what_they_hold():
    found = faults(UTTERANCES, MADE_OF, shared=False, pooled=False)
    assert by_name(UTTERANCES, found) == {
        "a": ("recording in two parts", "the same samples as b in test"),
        "c": ("recording in two parts", "the same samples as d in val"),
        "f": ("recording listed twice", "the same samples as e"),
        "g": ("recording with two texts", "the same samples as h, which says 'off'"),
        "h": ("recording with two texts", "the same samples as g, which says 'on'"),
        "n": ("recording with two texts", "the same samples as o, which says 'off'"),  # and the test part stays whole
    }
    kept = [place for place in range(len(ROWS)) if place not in found]
    assert told(UTTERANCES, kept, MADE_OF) == (
        "1 recording is there again in the same part, such as i and j; 1 recording both validate and test, such as "
        "k and l"
    )


def test_sharing_may_be_meant_and_is_told():
    found = faults(UTTERANCES, MADE_OF, shared=True, pooled=False)
    assert set(by_name(UTTERANCES, found)) == {"f", "g", "h", "n"}
    kept = [place for place in range(len(ROWS)) if place not in found]
    said = told(UTTERANCES, kept, MADE_OF)
    assert "1 recording both train and validate, such as c and d; 1 recording both train and test, such as a" in said


def test_stretches_of_a_file_that_overlap_by_half_are_in_two_parts():
    stretches = [
        ("a", "x.wav", 0.0, 1.0, "train"),
        ("b", "x.wav", 0.01, 0.99, "test"),  # within a
        ("c", "x.wav", 1.4, 1.0, "train"),  # a tenth of d
        ("d", "x.wav", 2.3, 1.0, "val"),
        ("e", "x.wav", 3.0, 0.5, "train"),  # three fifths of it in d
        ("f", "y.wav", 0.0, None, "train"),  # the whole file, a second of it tested
        ("g", "y.wav", 5.0, 1.0, "test"),
        ("h", "z.wav", 0.0, 1.0, "train"),
        ("i", "x.wav", 9.0, None, "val"),
        ("j", "x.wav", 20.0, 1.0, "train"),  # to its end
    ]
    utterances = [
        Utterance(name, audio, "yes", None, part, start, length) for name, audio, start, length, part in stretches
    ]
    made_of = [(n,) for n in range(len(stretches))]
    found = by_name(utterances, faults(utterances, made_of, shared=False, pooled=False))
    assert {name: detail for name, (_, detail) in found.items()} == {
        name: f"overlaps {other}, a stretch of one file"
        for name, other in (("a", "b in test"), ("e", "d in val"), ("f", "g in test"), ("j", "i in val"))
    }
    assert {kind for kind, _ in found.values()} == {"recording in two parts"}
    assert not faults(utterances, made_of, shared=True, pooled=False)


def test_copies_are_what_they_are_made_of():
    utterances = [
        Utterance("a#1", "a.wav", "yes", None, "train", copy=1),
        Utterance("c#mixture0", "c.wav", "no", None, "train", copy=-1, other="yes"),
        Utterance("d#1", "d.wav", "no", None, "train", copy=1),
        Utterance("b", "b.wav", "yes", None, "test"),
    ]
    made_of = [(1,), (2, 1), (2,), (1,)]
    found = faults(utterances, made_of, shared=False, pooled=False)
    detail = ("recording in two parts", "made of the same samples as b in test")
    assert by_name(utterances, found) == {"a#1": detail, "c#mixture0": detail}
    assert not faults(utterances, made_of, shared=False, pooled=True)
    assert told(utterances, range(4), made_of) == "1 recording both train and test, such as a#1 and b"

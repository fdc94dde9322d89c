"""Recordings that are there more than once, whatever they are called: they are known by what they hold."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import inf

from asrx.types import SPLITS, Utterance

BOTH = {
    ("train", "val"): "train and validate",
    ("train", "test"): "train and test",
    ("val", "test"): "validate and test",
}


def faults(
    utterances: Sequence[Utterance], made_of: Sequence[Sequence[int]], shared: bool, pooled: bool
) -> dict[int, tuple[str, str]]:
    """What is wrong with recordings that are there more than once: a kind and the details, by the places to leave out.

    The training part gives way to validation, and that to the test part. That validation and test share recordings is
    left to `told`, and so are equal recordings in one part, unless they are one stretch of one file.

    Args: those of `asrx.data.checks.find_problems`.
    """
    found = {} if shared else _overlapping(utterances, pooled) | _in_two_parts(utterances, made_of, pooled)
    for same in _equal(utterances, made_of):
        said, listed = {}, {}
        for split in reversed(SPLITS):
            texts = {place: " ".join(utterances[place].text.split()) for place in same[split]}
            said = {text: place for place, text in texts.items()} | said
            for place, text in texts.items():
                u = utterances[place]
                twin = listed.setdefault((split, u.audio, u.offset), place)
                other = next((i for words, i in said.items() if words != text), None)
                if other is not None:
                    detail = f"the same samples as {utterances[other].id}, which says {utterances[other].text!r}"
                    found[place] = ("recording with two texts", detail)
                elif utterances[twin].id != u.id:  # not one that augment.offline.bootstrap has drawn again
                    detail = f"the same samples as {utterances[twin].id}"
                    found.setdefault(place, ("recording listed twice", detail))
    return found


def _in_two_parts(
    utterances: Sequence[Utterance], made_of: Sequence[Sequence[int]], pooled: bool
) -> dict[int, tuple[str, str]]:
    held_out = {
        source: u
        for u, sources in zip(utterances, made_of, strict=True)
        if u.split != "train" and not u.copy
        for source in sources
    }
    found = {}
    for place, (u, sources) in enumerate(zip(utterances, made_of, strict=True)):
        other = next((held_out[source] for source in sources if source in held_out), None)
        if other is not None and u.split == "train" and not (pooled and u.copy):
            made = "made of " if u.copy else ""
            detail = f"{made}the same samples as {other.id} in {other.split}"
            found[place] = ("recording in two parts", detail)
    return found


def _overlapping(utterances: Sequence[Utterance], pooled: bool) -> dict[int, tuple[str, str]]:
    """Training stretches of a file of which half or more is in a stretch that is held out, or the other way round."""
    held_out = defaultdict(list)
    for u in utterances:
        if u.split != "train" and not u.copy:
            held_out[u.audio].append(u)
    files = {}
    for audio, stretches in held_out.items():
        stretches.sort(key=lambda u: u.offset)
        files[audio] = stretches, [u.offset for u in stretches], list(accumulate(map(_end, stretches), max))
    found = {}
    for place, u in enumerate(utterances):
        if u.split != "train" or u.audio not in files or (pooled and u.copy):
            continue
        stretches, starts, ends = files[u.audio]
        i = bisect_left(starts, _end(u)) - 1
        while i >= 0 and ends[i] > u.offset:  # none before it reaches so far
            other = stretches[i]
            common = min(_end(u), _end(other)) - max(u.offset, other.offset)
            if common >= min(_end(u) - u.offset, _end(other) - other.offset) / 2:
                found[place] = (
                    "recording in two parts",
                    f"overlaps {other.id} in {other.split}, a stretch of one file",
                )
            i -= 1
    return found


def _end(u: Utterance) -> float:
    return inf if u.duration is None else u.offset + u.duration


def _equal(utterances: Sequence[Utterance], made_of: Sequence[Sequence[int]]) -> list[dict[str, list[int]]]:
    """Where there are equal recordings, no copies: their places in each part."""
    places: dict[int, dict[str, list[int]]] = defaultdict(lambda: {split: [] for split in SPLITS})
    for place, (u, sources) in enumerate(zip(utterances, made_of, strict=True)):
        if sources and not u.copy:
            places[sources[0]][u.split].append(place)
    return [same for same in places.values() if sum(map(len, same.values())) > 1]


def told(utterances: Sequence[Utterance], kept: Iterable[int], made_of: Sequence[Sequence[int]]) -> str:
    """What is to be said of recordings that stay though they are there twice; empty where there are none.

    Args:
        utterances: all of them.
        kept: the places of those that stay.
        made_of: see `faults`.
    """
    first: dict[int, dict[str, Utterance]] = defaultdict(dict)  # that is made of a recording, in each part
    twice = []
    for place in kept:
        u = utterances[place]
        for source in made_of[place]:
            other = first[source].setdefault(u.split, u)
            if not (u.copy or other.copy) and other.id != u.id:
                twice.append((other.id, u.id))
    said = [f"{_several(twice)} there again in the same part, such as {_named(*twice[0])}"] if twice else []
    for parts, what in BOTH.items():
        if pairs := [[there[part].id for part in parts] for there in first.values() if there.keys() >= {*parts}]:
            said.append(f"{len(pairs)} recording{'s' * (len(pairs) > 1)} both {what}, such as {_named(*pairs[0])}")
    return "; ".join(said)


def _several(found: Sequence) -> str:
    return "1 recording is" if len(found) == 1 else f"{len(found)} recordings are"


def _named(one: str, other: str) -> str:
    return one if one == other else f"{one} and {other}"

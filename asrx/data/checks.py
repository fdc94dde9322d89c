"""What makes an utterance useless, found before the first batch."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from asrx.data.repeats import faults
from asrx.types import SPLITS, UserError, Utterance


class Problem(NamedTuple):
    """Why the utterance at `place` cannot be used: a `kind` to count by, and the details."""

    place: int
    kind: str
    detail: str


def find_problems(
    utterances: Sequence[Utterance],
    audio_errors: dict[int, str],
    lengths: Sequence[int],
    made_of: Sequence[Sequence[int]],
    encode: Callable[[str], list[int]],
    out_len: Callable[[int], int],
    feasible: Callable[[int, list[int]], bool],
    speaker_disjoint: bool,
    shared: bool = False,
    pooled: bool = False,
) -> list[Problem]:
    """Every utterance that cannot be used, once, with the first reason found.

    Args:
        utterances: with their split.
        audio_errors: what went wrong at decoding, by place.
        lengths: samples of each.
        made_of: the recordings that each is made of; see `asrx.data.prepare.Prepared`.
        encode: text to target ids; raises ValueError, in words.
        out_len: samples to encoder frames.
        feasible: whether so many encoder frames can carry a target.
        speaker_disjoint: whether the split protocol promises that no speaker is in two splits.
        shared: whether recordings may train and also validate or test.
        pooled: whether copies may, of what validates or tests, as they were made before the split.
    """
    heard = {split: {u.speaker for u in utterances if u.split == split and u.speaker} for split in SPLITS}
    again = faults(utterances, made_of, shared, pooled)
    problems = []
    for place, utterance in enumerate(utterances):
        if place in audio_errors:
            problems.append(Problem(place, "unusable audio", audio_errors[place]))
            continue
        if place in again:
            problems.append(Problem(place, *again[place]))
            continue
        try:
            target = encode(utterance.text)
        except ValueError as error:
            problems.append(Problem(place, "text that cannot be a target", str(error)))
            continue
        frames = out_len(int(lengths[place]))
        if not feasible(frames, target):
            made = ", in a copy that augment.offline made" if utterance.copy else ""
            detail = f"{len(target)} characters in {frames} encoder frames{made}"
            problems.append(Problem(place, "too short for CTC to align", detail))
            continue
        later = SPLITS[SPLITS.index(utterance.split) + 1 :]  # the earlier split gives way, so the test part stays whole
        shared = [split for split in later if speaker_disjoint and utterance.speaker in heard[split]]
        if shared:
            detail = f"{utterance.speaker} speaks in {utterance.split} and in {shared[0]}"
            problems.append(Problem(place, "speaker in two splits", detail))
    return problems


def least_samples(
    utterances: Mapping[int, Utterance],
    lengths: Sequence[int],
    encode: Callable[[str], list[int]],
    out_len: Callable[[int], int],
    feasible: Callable[[int, list[int]], bool],
    shortest: float,
) -> dict[int, int]:
    """How many samples an utterance needs for what is said in it, where augmentation might leave fewer.

    Args:
        utterances: that can be used, by their places.
        lengths, encode, out_len, feasible: see `find_problems`.
        shortest: the least share of an utterance's samples that augmentation leaves.

    Returns:
        the samples, by place; most often none.
    """
    least = {}
    for place, utterance in utterances.items():
        length = int(lengths[place])
        targets = [encode(text) for text in (utterance.text, utterance.other) if text is not None]

        def fits(samples: int, targets: list[list[int]] = targets) -> bool:
            return all(feasible(out_len(samples), target) for target in targets)

        if not fits(int(length * shortest)):
            least[place] = bisect_left(range(length), True, key=fits)
    return least


def handle(problems: list[Problem], utterances: Sequence[Utterance], on_bad: str, listing: Path) -> set[int]:
    """List the problems in a file, then stop or answer the places to leave out, as `on_bad` says.

    Raises:
        UserError: `on_bad` is `error` and there are problems, or `skip` leaves a split empty.
    """
    if not problems:
        return set()
    with open(listing, "w", encoding="utf-8") as file:
        for place, kind, detail in problems:
            u = utterances[place]
            row = {"id": u.id, "audio": u.audio, "split": u.split, "text": u.text, "problem": kind, "detail": detail}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    counts = ", ".join(f"{count} {kind}" for kind, count in Counter(p.kind for p in problems).most_common())
    first = problems[0]
    example = f"{utterances[first.place].id}: {first.detail}"
    if on_bad == "error":
        raise UserError(
            f"{len(problems)} of {len(utterances)} utterances cannot be used ({counts}; first {example}): "
            f"see {listing}, mend the data, or leave them out with dataset.on_bad=skip"
            f"{', or draw other parts with dataset.split.official=false' if 'two splits' in counts else ''}"
            f"{', or mean it with dataset.shared=allow' if 'two parts' in counts else ''}."
        )
    print(f"Leaving out {len(problems)} of {len(utterances)} utterances ({counts}): see {listing}.")
    places = {problem.place for problem in problems}
    for split in SPLITS:
        if all(place in places for place, u in enumerate(utterances) if u.split == split):
            raise UserError(f"dataset.on_bad=skip leaves nothing in the {split} part ({counts}): see {listing}.")
    return places


def outside(seconds: Mapping[int, float], least: float, most: float | None) -> set[int]:
    """Those of the training part, by their places, that are shorter than `least` seconds or longer than `most`.

    Raises:
        UserError: the bounds leave none.
    """
    if least < 0 or (most is not None and most <= least):
        raise UserError(
            f"dataset.min_seconds={least} and dataset.max_seconds={most} should be numbers from 0, the first the "
            "smaller."
        )
    left = {place for place, length in seconds.items() if length < least or (most is not None and length > most)}
    if seconds and len(left) == len(seconds):
        raise UserError(
            f"dataset.min_seconds={least} and dataset.max_seconds={most} leave out all {len(left)} training "
            f"utterances, which have {min(seconds.values()):.2f} to {max(seconds.values()):.2f} s: give wider bounds."
        )
    return left

"""What an epoch takes of what trains: of the parts of a mix by their weights, and a few of many that stand for a label.

An epoch has as many places every time, each for an utterance of about the same length, and draws anew who takes them:
so there are as many batches, of the same sizes.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from asrx.data.batching import BucketSampler
from asrx.types import Utterance


class Drawn(NamedTuple):
    """Some of the training part, by their places in it, and how many times an epoch takes one of them."""

    members: list[int]
    times: int


def draws(utterances: Sequence[Utterance], weights: Mapping[str, float]) -> list[Drawn]:
    """How often an epoch takes what: none where it takes every utterance once.

    Of those that are pooled, it takes as many for each label as there are for a label that is not, on average. The
    parts of a mix are taken in proportion to their weights, together as often as they would be without.

    Args:
        utterances: those that train.
        weights: of the parts of a mix; none leaves them in proportion to their sizes.
    """
    if not weights and not any(u.pooled for u in utterances):
        return []
    members: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for place, u in enumerate(utterances):
        members[u.corpus, u.text if u.pooled else None].append(place)
    times = {}
    for corpus, label in members:
        plain = members.get((corpus, None), [])
        labels = {utterances[place].text for place in plain}
        few = round(len(plain) / len(labels)) if labels else len(members[corpus, label])
        times[corpus, label] = len(plain) if label is None else few
    if weights:
        whole = sum(times.values())
        own = {name: sum(n for (corpus, _), n in times.items() if corpus == name) for name in weights}
        here = sum(weight for name, weight in weights.items() if own[name])
        times = {key: round(n * weights[key[0]] / here * whole / own[key[0]]) for key, n in times.items()}
    return [Drawn(members[key], max(1, n)) for key, n in times.items()]


def few_held_out(utterances: Sequence[Utterance]) -> list[Utterance]:
    """The utterances without those pooled ones that validation and test have too many of: see `draws`. Which ones stay
    is drawn by the hashes of their ids."""
    surplus = set()
    for split in ("val", "test"):
        part = [u for u in utterances if u.split == split]
        for drawn in draws(part, {}):
            pool = sorted(
                (part[place] for place in drawn.members), key=lambda u: hashlib.sha256(u.id.encode()).digest()
            )
            surplus |= {u.id for u in pool[drawn.times :]}
    return [u for u in utterances if u.id not in surplus]


def _rank(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


class DrawingSampler(BucketSampler):
    """Batches of what each epoch draws, in an order that depends on seed and epoch alone.

    Args:
        lengths: samples of each utterance.
        drawn: which of them are taken how often.
        arguments: of `BucketSampler`, from `batch_size` on.
    """

    def __init__(self, lengths: np.ndarray, drawn: Sequence[Drawn], *arguments):
        self.takers = [takers for group in drawn for takers in _takers(lengths, group)]
        super().__init__(np.array([lengths[takers].max() for takers in self.takers]), *arguments)

    def batches(self) -> list[np.ndarray]:
        """All batches of the epoch, those of the other processes too."""
        shares = np.random.default_rng([self.seed, self.epoch, 1]).random(len(self.takers))
        drawn = np.array([takers[int(x * len(takers))] for x, takers in zip(shares, self.takers, strict=True)])
        return [drawn[places] for places in super().batches()]


def _takers(lengths: np.ndarray, group: Drawn) -> list[np.ndarray]:
    """Who may take each place of a group: every one its own, as often as all of them fit, and for the places that are
    left, those of like length."""
    members = np.array(group.members)[np.argsort(lengths[group.members], kind="stable")]
    whole, left = divmod(group.times, len(members))
    return [*np.split(members, len(members)) * whole, *(np.array_split(members, left) if left else [])]

"""Which utterances make a batch, and in which order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from asrx.types import UserError


class BucketSampler:
    """Batches of utterances of like length, in a seeded order that can be continued.

    The utterances are sorted by length and cut into buckets of equal numbers; those that are so long that a batch holds
    less than half as many of them as of the rest get a bucket of their own. Every epoch deals each bucket into batches
    anew and shuffles all batches. No batch holds more than `batch_size` utterances or `batch_samples` samples
    with its padding (a single longer utterance is a batch of its own). Every epoch has the same number of batches,
    and every utterance is in exactly one of them. The order depends on (seed, epoch) alone.

    With several processes each takes every `world`-th batch; the largest batches are halved until the number divides.

    Args:
        lengths: samples of each utterance.
        batch_size, batch_samples: the two bounds.
        buckets: at most this many; fewer where a bucket would hold less than four batches. 1 deals without regard to
            length.
        seed: of the order; None keeps one order, by length (validation and test).
        rank, world: this process and how many there are.
        replacement: draw every batch from a whole bucket anew, so that an epoch repeats some utterances and leaves out
            others, as some published generators do.

    Raises:
        UserError: a bound or the number of buckets is not above 0; fewer utterances than processes.
    """

    def __init__(
        self,
        lengths: np.ndarray,
        batch_size: int,
        batch_samples: float,
        buckets: int = 1,
        seed: int | None = None,
        rank: int = 0,
        world: int = 1,
        replacement: bool = False,
    ):
        for name, value in {"batch_size": batch_size, "batch_seconds": batch_samples, "buckets": buckets}.items():
            if value <= 0:
                raise UserError(f"dataset.{name} must be above 0.")
        self.lengths = np.asarray(lengths)
        self.seed, self.rank, self.world, self.replacement = seed, rank, world, replacement
        self.epoch, self.done = 0, 0
        count = max(1, min(buckets, len(lengths) // (4 * batch_size)))
        self.plan = []  # (members of a bucket, how many make a batch)
        fitting = np.clip(batch_samples // np.maximum(self.lengths, 1), 1, batch_size).astype(int)
        for bucket in np.array_split(np.argsort(self.lengths, kind="stable"), count):
            for members in _alike(bucket, fitting):
                self.plan.append((members, int(fitting[members[-1]])))
        self.count = -(-sum(-(-len(members) // size) for members, size in self.plan) // world)
        if self.count * world > len(lengths):
            raise UserError(
                f"{len(lengths)} utterances cannot be dealt evenly to {world} devices: "
                "lower trainer.devices or add data."
            )

    def __len__(self) -> int:
        return self.count

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        if epoch != self.epoch:
            self.epoch, self.done = epoch, 0

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self.batches()[self.rank :: self.world][self.done :])

    def batches(self) -> list[np.ndarray]:
        """All batches of the epoch, those of the other processes too."""
        rng = np.random.default_rng([self.seed or 0, self.epoch])
        dealt = []
        for members, size in self.plan:
            members = members if self.seed is None else rng.choice(members, len(members), replace=self.replacement)
            dealt += np.split(members, range(size, len(members), size))
        while len(dealt) < self.count * self.world:
            largest = dealt.pop(int(np.argmax([len(batch) for batch in dealt])))
            dealt += np.array_split(largest, 2)
        return dealt if self.seed is None else [dealt[i] for i in rng.permutation(len(dealt))]


def _alike(bucket: np.ndarray, fitting: np.ndarray) -> Iterator[np.ndarray]:
    """A bucket, sorted by length, cut before those that would make the batches of the others small.

    Args:
        fitting: how many of each utterance fit in a batch.
    """
    while len(bucket):
        few = 2 * fitting[bucket] < fitting[bucket[(len(bucket) - 1) // 2]]
        yield bucket[~few]
        bucket = bucket[few]

"""Utterances gone through once training is over."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from asrx.data.module import DataModule
from asrx.types import Batch

BATCH_SIZE = 16


def drawn(count: int, most: int) -> np.ndarray:
    """Places in a part of so many utterances, evenly drawn where there are more than `most`.

    >>> drawn(9, 3).tolist()
    [0, 4, 8]
    """
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def batches(data: DataModule, part: str, places: np.ndarray) -> Iterator[Batch]:
    """Those utterances of a part, by length."""
    waves, lengths_N = data.loader(part, None).dataset, data.store.lengths[data.places[part]]
    by_length = places[np.argsort(lengths_N[places], kind="stable")]
    for start in range(0, len(by_length), BATCH_SIZE):
        yield waves[by_length[start : start + BATCH_SIZE]]

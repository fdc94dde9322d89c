"""Utterances gone through once training is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch

from asrx.data.module import DataModule
from asrx.training.pipeline import Pipeline
from asrx.types import Batch, Span

BATCH_SIZE = 16


class Explained(NamedTuple):
    """How sure a model is of what it answered, and the words of it, in seconds."""

    confidence: float
    words: list[Span]


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


@torch.inference_mode()
def explained(pipeline: Pipeline, data: DataModule, part: str, texts: Mapping[int, str]) -> dict[int, Explained]:
    """What the log probabilities say of answers.

    Args:
        pipeline: on the CPU, in evaluation mode, its confidences calibrated.
        data: in which the part is.
        texts: the answers, by place in the part.
    """
    decoder, found = pipeline.objective.decoder, {}
    frame = pipeline.hop() / data.store.sample_rate
    for batch in batches(data, part, np.array(sorted(texts), np.int64)):
        enc_BTD, frames_B = pipeline(batch.wave_BT, batch.lengths_B)
        logp = pipeline.objective.outputs(enc_BTD, frames_B)
        ends = (batch.lengths_B / data.store.sample_rate).tolist()
        for place, own, frames, end in zip(batch.index_B.tolist(), logp, frames_B.tolist(), ends, strict=True):
            confidence, spans = decoder.explain(own[:frames] if own.dim() == 2 else own, texts[place])
            words = [span._replace(start=span.start * frame, end=min(end, span.end * frame)) for span in spans]
            found[place] = Explained(confidence, words)
    return found

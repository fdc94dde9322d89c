"""Training utterances whose transcript is probably wrong."""

from __future__ import annotations

import numpy as np
import torch

from asrx.data.module import DataModule
from asrx.training.passes import batches, drawn
from asrx.training.pipeline import Pipeline
from asrx.types import Hypothesis

MOST = 2000  # utterances
LISTED = 50


@torch.inference_mode()
def doubtful(pipeline: Pipeline, data: DataModule) -> list[tuple[int, str, Hypothesis]]:
    """Those of which the model hears something else, and finds that far more probable than what was written, although
    it was trained on that: what is wrong is learned last (https://arxiv.org/abs/1706.05394).

    Args:
        pipeline: on the CPU, in evaluation mode.
        data: whose training part is looked at, evenly drawn where it has more than `MOST` utterances.

    Returns:
        Place in the training part, transcript, and what was heard, whose score is here by how much its log probability
        is greater, for each target of the transcript; the greatest first, no more than `LISTED`.
    """
    objective, found = pipeline.objective, []
    recordings = np.array([i for i, u in enumerate(data.utterances["train"]) if not u.copy], np.int64)
    for batch in batches(data, "train", recordings[drawn(len(recordings), MOST)]):
        enc_BTD, frames_B = pipeline(batch.wave_BT, batch.lengths_B)
        written_B = objective.loss(enc_BTD, frames_B, batch.targets)
        for place, ids, n, written, heard in zip(
            batch.index_B.tolist(),
            batch.targets.ids_BU.tolist(),
            batch.targets.lengths_B.tolist(),
            written_B.tolist(),
            objective.decode(enc_BTD, frames_B),
            strict=True,
        ):
            reference = objective.text(ids[:n])
            if heard.text != reference:
                found.append((place, reference, Hypothesis(heard.text, written + heard.score / n)))
    return sorted(found, key=lambda one: -one[2].score)[:LISTED]

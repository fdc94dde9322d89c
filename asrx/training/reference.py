"""The profile of what a run was tested on, by which production is watched later."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from asrx.data.module import DataModule
from asrx.training.passes import Explained, batches, drawn
from asrx.watching.profile import Profile, profile_of
from asrx.watching.quantities import quantities

MOST = 500  # utterances


def profile(data: DataModule, part: str, texts: Mapping[int, str], explained: Mapping[int, Explained]) -> Profile:
    """Quantities of the utterances that were answered, evenly drawn from them where there are more than `MOST`.

    Args:
        data: in which the part is.
        part: one that the model was not trained on, as it is surer of what it knows.
        texts, explained: the answers, and how sure they are, by place in the part.
    """
    chosen, rows = np.array(sorted(texts), np.int64)[drawn(len(texts), MOST)], {}
    for batch in batches(data, part, chosen):
        samples_BT = (batch.wave_BT * 32768).round().to(torch.int16).numpy()
        for i, samples_T, n in zip(batch.index_B.tolist(), samples_BT, batch.lengths_B.tolist(), strict=True):
            rows[i] = quantities(samples_T[:n], data.store.sample_rate, texts[i], explained[i].confidence)
    own = [data.utterances[part][i] for i in chosen]
    return profile_of([u.id for u in own], [u.speaker for u in own], [rows[i] for i in chosen])

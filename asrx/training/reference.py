"""The profile of what a run was tested on, by which production is watched later."""

from __future__ import annotations

import torch

from asrx.data.module import DataModule
from asrx.training.passes import batches, drawn
from asrx.training.pipeline import Pipeline
from asrx.watching.profile import Profile, profile_of
from asrx.watching.quantities import quantities

MOST = 500  # utterances


@torch.inference_mode()
def profile(pipeline: Pipeline, data: DataModule, part: str) -> Profile:
    """Quantities of a part's utterances, evenly drawn from it where there are more than `MOST`.

    Args:
        pipeline: on the CPU, in evaluation mode, its confidences calibrated.
        data: in which the part is.
        part: one that the model was not trained on, as it is surer of what it knows.
    """
    decoder, rate = pipeline.objective.decoder, data.store.sample_rate
    chosen, rows = drawn(len(data.utterances[part]), MOST), {}
    for batch in batches(data, part, chosen):
        enc_BTD, frames_B = pipeline(batch.wave_BT, batch.lengths_B)
        logp = pipeline.objective.log_probabilities(enc_BTD, frames_B)
        for i, wave_T, n, hypothesis, own, frames in zip(
            batch.index_B.tolist(),
            batch.wave_BT,
            batch.lengths_B.tolist(),
            decoder(logp, frames_B),
            logp,
            frames_B.tolist(),
            strict=True,
        ):
            confidence, _ = decoder.explain(own[:frames] if own.dim() == 2 else own, hypothesis.text)
            samples_T = (wave_T[:n] * 32768).round().to(torch.int16).numpy()
            rows[i] = quantities(samples_T, rate, hypothesis.text, confidence)
    own = [data.utterances[part][i] for i in chosen]
    return profile_of([u.id for u in own], [u.speaker for u in own], [rows[i] for i in chosen])

"""What a trained model answers on its test part, clean and in noise, and what an answer costs."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from statistics import median

import numpy as np
import torch
from torch import nn

from asrx.evaluation.trained import Trained
from asrx.models.cost import multiply_adds
from asrx.models.keras import count
from asrx.training.pipeline import Pipeline
from asrx.types import Batch

TIMED = 50  # utterances, at most
WARM_UP = 5


@torch.inference_mode()
def scores(trained: Trained, noise: nn.Module | None = None) -> dict[str, float]:
    """The figures of the test part, as a run's test gives them.

    Args:
        trained: the run.
        noise: (wave_BT, lengths_B) -> the same, noisy; see `encoded`.
    """
    objective = trained.pipeline.objective
    figures = objective.metrics()
    for batch, enc_BTD, lengths_B in encoded(trained, noise):
        references, hypotheses = objective.judged(enc_BTD, lengths_B, batch)
        figures.update(references, [h.text for h in hypotheses])
    return figures.compute()


@torch.inference_mode()
def probabilities(trained: Trained, noise: nn.Module | None = None) -> torch.Tensor:
    """Of every label for every test utterance, (N, V), of a classifier; the arguments are those of `scores`."""
    objective, n = trained.pipeline.objective, len(trained.data.utterances[trained.cfg.test_part])
    p_NV = torch.zeros(n, len(objective.decoder.labels))
    for batch, enc_BTD, lengths_B in encoded(trained, noise):
        p_NV[batch.index_B] = objective.outputs(enc_BTD, lengths_B).exp()
    return p_NV


def encoded(trained: Trained, noise: nn.Module | None) -> Iterator[tuple[Batch, torch.Tensor, torch.Tensor]]:
    """Every test batch, the encodings of its waveforms and their lengths.

    Noise is drawn for each utterance alone, from the utterance's name: it is the same for every run, batch and
    signal-to-noise ratio.
    """
    for batch in trained.data.loader(trained.cfg.test_part, None):
        wave_BT = batch.wave_BT
        if noise is not None:
            names = [trained.data.utterances[trained.cfg.test_part][i].id for i in batch.index_B.tolist()]
            wave_BT = _noisy(wave_BT, batch.lengths_B, names, noise)
        yield batch, *trained.pipeline(wave_BT, batch.lengths_B)


def _noisy(wave_BT: torch.Tensor, lengths_B: torch.Tensor, names: list[str], noise: nn.Module) -> torch.Tensor:
    noisy_BT = torch.zeros_like(wave_BT)
    with torch.random.fork_rng(devices=[]):
        for i, name in enumerate(names):
            torch.manual_seed(zlib.crc32(name.encode()))
            n = int(lengths_B[i])
            noisy_BT[i, :n] = noise(wave_BT[i : i + 1, :n], lengths_B[i : i + 1])[0][0]
    return noisy_BT


@torch.inference_mode()
def cost(trained: Trained) -> dict[str, float]:
    """Size, work and time of a model.

    Work and time are those of single utterances on one thread of the CPU, from waveform to text, over at most 50 of the
    test part: `multiply_adds` per second of speech (of the layers, without the features), the median `latency_ms`, and
    the `real_time_factor`, seconds of work in a second of speech.
    """
    pipeline, n = trained.pipeline, len(trained.data.utterances[trained.cfg.test_part])
    test = trained.data.loader(trained.cfg.test_part, None).dataset
    waves = [test[np.array([i])][:2] for i in np.linspace(0, n - 1, min(n, TIMED)).astype(int)]
    seconds = sum(int(lengths_B) for _, lengths_B in waves) / trained.data.store.sample_rate
    model = WaveToText(pipeline).eval()
    work = sum(multiply_adds(model, *wave) for wave in waves)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        times = [_timed(model, *wave) for wave in (*waves[:WARM_UP], *waves)][len(waves[:WARM_UP]) :]
    finally:
        torch.set_num_threads(threads)
    return {
        "parameters": sum(p.numel() for p in pipeline.parameters()),
        "keras_parameters": count(pipeline),
        "multiply_adds": work / seconds,
        "latency_ms": 1000 * median(times),
        "real_time_factor": sum(times) / seconds,
    }


class WaveToText(nn.Module):
    def __init__(self, pipeline: Pipeline):
        super().__init__()
        self.pipeline = pipeline

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> None:
        self.pipeline.objective.decode(*self.pipeline(wave_BT, lengths_B))


def _timed(model: nn.Module, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> float:
    start = time.perf_counter()
    model(wave_BT, lengths_B)
    return time.perf_counter() - start

"""Whether what was exported answers as the trained model does, and how fast."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from asrx.evaluation.trained import Trained
from asrx.export.forms.base import Form
from asrx.recognition.engines import session

BATCH = 8


class Exported:
    """An ONNX file of some form in onnxruntime, on one thread, given what its engine gives it."""

    def __init__(self, path: Path, form: Form):
        self.session, self.form = session(path, threads=1), form

    def __call__(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Waveforms in [-1, 1] and lengths in samples to log probabilities and lengths in frames."""
        return self.form.answer(self._run, wave_BT, lengths_B)

    def _run(self, *inputs: torch.Tensor) -> list[torch.Tensor]:
        given = dict(zip(self.form.inputs, (argument.numpy() for argument in inputs), strict=True))
        return [torch.from_numpy(output) for output in self.session.run(None, given)]


class Parity(NamedTuple):
    """Of how many recordings how many texts are the same, and the largest difference of log probabilities: alone, and
    in padded batches (None where the engine takes one at a time); median milliseconds for one, in torch and exported,
    each on one thread."""

    recordings: int
    same: int
    alone: float
    padded: float | None
    torch_ms: float
    onnx_ms: float


@torch.inference_mode()
def parity(exported: Exported, waves: Sequence[torch.Tensor]) -> Parity:
    """Compare the trained model with its export, utterance by utterance.

    Args:
        exported: of the trained model's own form.
        waves: (T,) float32 in [-1, 1], at the model's rate.
    """
    pipeline = exported.form.pipeline
    repeats = getattr(exported.form, "repeats", 1)
    decoder = pipeline.objective.decoder
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        expected, torch_s = zip(*(_timed(_answer, pipeline, wave) for wave in waves), strict=True)
        found, onnx_s = zip(*(_timed(exported, wave[None], torch.tensor([len(wave)])) for wave in waves), strict=True)
    finally:
        torch.set_num_threads(threads)
    expected = [(logp.repeat_interleave(repeats, 1) if repeats > 1 else logp, n * repeats) for logp, n in expected]
    if exported.form.prefix:
        expected = [(logp, ends) for (logp, _), (_, ends) in zip(expected, found, strict=True)]
    pairs = zip(expected, found, strict=True)
    same = sum(decoder(*mine)[0].text == decoder(*theirs)[0].text for mine, theirs in pairs)
    alone = max(_difference(*_own(*mine), *_own(*theirs)) for mine, theirs in zip(expected, found, strict=True))
    padded = None
    if exported.form.batched:
        together = [row for start in range(0, len(waves), BATCH) for row in _padded(exported, waves[start:][:BATCH])]
        padded = max(_difference(*_own(*mine), row) for mine, row in zip(expected, together, strict=True))
    return Parity(len(waves), same, alone, padded, 1000 * median(torch_s), 1000 * median(onnx_s))


@torch.inference_mode()
def accuracy(answer, trained: Trained, part: str) -> dict[str, float]:
    """The figures of a part of a run's data, each utterance answered alone.

    Args:
        answer: waveforms and lengths to log probabilities and lengths; an `Exported`.
        trained: the run.
        part: of its data.
    """
    objective, figures = trained.pipeline.objective, trained.pipeline.objective.metrics()
    waves = trained.data.loader(part, None).dataset
    for i in range(len(trained.data.utterances[part])):
        batch = waves[np.array([i])]
        (hypothesis,) = objective.decoder(*answer(batch.wave_BT, batch.lengths_B))
        figures.update([objective.text(batch.targets.ids_BU[0].tolist())], [hypothesis.text])
    return figures.compute()


def _answer(pipeline, wave_T: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    encodings = pipeline(wave_T[None], torch.tensor([len(wave_T)]))
    return pipeline.objective.outputs(*encodings), encodings[1]


def _padded(exported: Exported, waves: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    lengths_B = torch.tensor([len(wave) for wave in waves])
    logp, lengths_B = exported(pad_sequence(list(waves), batch_first=True), lengths_B)
    return _own(logp, lengths_B)


def _own(logp: torch.Tensor, lengths_B: torch.Tensor) -> list[torch.Tensor]:
    """Each utterance's, without padding."""
    return [row[:n] if row.dim() == 2 else row for row, n in zip(logp, lengths_B.tolist(), strict=True)]


def _difference(a: torch.Tensor, b: torch.Tensor) -> float:
    if a.shape != b.shape:
        return float("inf")
    return float((a - b).abs().max()) if a.numel() else 0.0


def _timed(function, *arguments):
    start = time.perf_counter()
    answer = function(*arguments)
    return answer, time.perf_counter() - start

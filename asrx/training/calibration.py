"""Confidence that can be believed: a temperature, found on the validation part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from asrx.report.errors import KINDS
from asrx.training.pipeline import Pipeline
from asrx.types import Batch
from asrx.vocabularies.base import spoken

TEMPERATURES = np.geomspace(0.5, 4, 13)
MOST = 300  # utterances
BINS = 15
SURE = 1e-6  # how near to 0 and 1 a confidence may be in the likelihood


class Calibration(NamedTuple):
    """The temperature, and the expected calibration error (0 to 1) without and with it, over so many words."""

    temperature: float
    error_before: float
    error_after: float
    answers: int


class _Answer(NamedTuple):
    reference: str
    hypothesis: str
    logp: torch.Tensor


@torch.inference_mode()
def calibrate(pipeline: Pipeline, batches: Iterable[Batch]) -> Calibration | None:
    """Find the temperature by which confidences come nearest to how often words, or labels, are right (Guo et al. 2017,
    https://arxiv.org/abs/1706.04599): that of the greatest likelihood. Texts stay what they are.

    Args:
        pipeline: in evaluation mode; its decoder has the temperature afterwards.
        batches: of utterances that it was not trained on; the first `MOST` count.

    Returns:
        None where nothing was answered.
    """
    decoder = pipeline.objective.decoder
    answers = _answers(pipeline, batches)
    steps = KINDS[pipeline.objective.metrics().kind].align(answers)
    right_N = np.array([step.kind == "equal" for own in steps for step in own if step.hypothesis])
    if not len(right_N):
        return None
    found = {}
    for temperature in [1.0, *TEMPERATURES.tolist()]:
        decoder.temperature = temperature
        found[temperature] = np.array([c for answer in answers for c in _confidences(decoder, answer)])
    best = max(found, key=lambda temperature: _likelihood(found[temperature], right_N))
    decoder.temperature = best
    errors = (expected_calibration_error(found[temperature], right_N) for temperature in (1.0, best))
    return Calibration(best, *errors, len(right_N))


def expected_calibration_error(confidence_N: np.ndarray, right_N: np.ndarray) -> float:
    """How far confidences lie from the share that is right, over `BINS` bins of equal width, weighted by their size.

    >>> expected_calibration_error(np.array([0.9, 0.9]), np.array([True, False])).round(3)
    np.float64(0.4)
    """
    bin_N = np.minimum((confidence_N * BINS).astype(int), BINS - 1)
    apart_B = np.bincount(bin_N, confidence_N - right_N, BINS)
    return np.abs(apart_B).sum() / len(right_N)


def _answers(pipeline: Pipeline, batches: Iterable[Batch]) -> list[_Answer]:
    objective, answers = pipeline.objective, []
    for batch in batches:
        enc_BTD, lengths_B = pipeline(batch.wave_BT, batch.lengths_B)
        logp = objective.outputs(enc_BTD, lengths_B)
        for ids, n, hypothesis, own, frames in zip(
            batch.targets.ids_BU.tolist(),
            batch.targets.lengths_B.tolist(),
            objective.decoder(logp, lengths_B),
            logp,
            lengths_B.tolist(),
            strict=True,
        ):
            answers.append(_Answer(objective.text(ids[:n]), hypothesis.text, own[:frames] if own.dim() == 2 else own))
        if len(answers) >= MOST:
            break
    return answers[:MOST]


def _confidences(decoder, answer: _Answer) -> Sequence[float]:
    if not answer.hypothesis.strip():
        return []
    whole, words = decoder.explain(answer.logp, answer.hypothesis)
    return [word.confidence for word in words if spoken(word.text)] if words else [whole]


def _likelihood(confidence_N: np.ndarray, right_N: np.ndarray) -> float:
    confidence_N = confidence_N.clip(SURE, 1 - SURE)
    return float(np.log(np.where(right_N, confidence_N, 1 - confidence_N)).mean())

"""Confidences against what is right."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from asrx.decoding.ctc import CTCDecoder
from asrx.decoding.label import LabelDecoder
from asrx.metrics.classification import Classification
from asrx.metrics.error_rate import ErrorRate
from asrx.training.calibration import calibrate, expected_calibration_error
from asrx.types import Batch, Targets


class Pipeline(torch.nn.Module):
    """Answers log probabilities that were made beforehand, batch after batch."""

    def __init__(self, decoder, metrics, logps):
        super().__init__()
        self.logps, text = iter(logps), lambda ids: "".join(decoder.labels[i] for i in ids)
        self.objective = SimpleNamespace(decoder=decoder, metrics=metrics, text=text, outputs=lambda x, _: x)

    def forward(self, wave_BT, lengths_B):
        logp = next(self.logps)
        return logp, torch.full((len(logp),), logp.shape[1])


def batches(ids_NU: torch.Tensor):
    for ids_BU in ids_NU.split(50):
        n = len(ids_BU)
        targets = Targets(ids_BU, torch.full((n,), ids_BU.shape[1]))
        yield Batch(torch.zeros(n, 1), torch.ones(n).long(), targets, torch.arange(n))


def test_a_classifier_that_is_too_sure_is_not_believed():
    generator = torch.Generator().manual_seed(0)
    honest_NV = (2 * torch.randn(300, 3, generator=generator)).log_softmax(1)
    truth_N1 = torch.multinomial(honest_NV.exp(), 1, generator=generator)
    sure_NV = (3 * honest_NV).log_softmax(1)
    decoder = LabelDecoder(["a", "b", "c"])
    found = calibrate(Pipeline(decoder, lambda: Classification(decoder.labels), sure_NV.split(50)), batches(truth_N1))
    assert decoder.temperature == found.temperature == pytest.approx(3, rel=0.25)
    assert found.error_after < 0.06 < found.error_before
    assert found.answers == 300
    assert decoder.explain(sure_NV[0], "a")[0] == pytest.approx(float((sure_NV[0] / found.temperature).softmax(0)[0]))


def test_words_are_what_is_sure_in_transcripts():
    decoder = CTCDecoder("ab ")
    # "a b" for certain, of which b is wrong every other time
    logp_TV = torch.full((3, 4), 1e-4).scatter_(1, torch.tensor([[0], [2], [1]]), 0.9997).log()
    truth_NU = torch.tensor([[0, 2, 1], [0, 2, 0]] * 50)
    pipeline = Pipeline(decoder, ErrorRate, logp_TV.repeat(100, 1, 1).split(50))
    found = calibrate(pipeline, batches(truth_NU))
    assert found.answers == 200
    assert found.error_before == pytest.approx(0.25, abs=1e-3) and found.error_after < 0.15
    assert decoder(logp_TV[None], torch.tensor([3]))[0].text == "a b"


def test_the_name_of_a_corpus_in_front_is_no_word():
    decoder = CTCDecoder("<en> b")
    logp_TV = torch.full((6, 7), 1e-4).scatter_(1, torch.arange(6)[:, None], 0.9994).log()
    truth_NU = torch.arange(6).repeat(50, 1)
    found = calibrate(Pipeline(decoder, ErrorRate, [logp_TV.repeat(50, 1, 1)]), batches(truth_NU))
    assert decoder(logp_TV[None], torch.tensor([6]))[0].text == "<en> b"
    assert found.answers == 50 and found.error_before < 0.01


def test_where_nothing_is_answered_there_is_no_temperature():
    decoder = CTCDecoder("ab ")
    blank = torch.full((1, 3, 4), -9.0)
    blank[..., 3] = 0
    assert calibrate(Pipeline(decoder, ErrorRate, [blank]), batches(torch.tensor([[0, 2, 1]]))) is None


def test_the_error_is_that_of_bins():
    confidence, right = np.array([0.95, 0.97, 0.3, 0.31]), np.array([1, 0, 1, 1])
    assert expected_calibration_error(confidence, right) == pytest.approx((2 * 0.46 + 2 * 0.695) / 4)


def test_a_run_keeps_its_temperature_and_tells_it(trained_run):
    from asrx.evaluation.trained import load_model

    told = json.loads((trained_run / "metrics.json").read_text())["calibration"]
    assert load_model(trained_run).pipeline.objective.decoder.temperature == told["temperature"]
    assert load_model(trained_run / "last.ckpt").pipeline.objective.decoder.temperature == told["temperature"]
    assert "Calibration error" in (trained_run / "report.html").read_text()

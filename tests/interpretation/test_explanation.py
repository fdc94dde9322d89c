"""Where an answer comes from: the parts add up, and point at what matters."""

from __future__ import annotations

import pytest
import torch

from asrx.config.compose import compose
from asrx.interpretation.explanation import explanation
from asrx.training.pipeline import build_pipeline
from asrx.types import Targets, UserError

RATE = 8000
SMALL = [f"dataset.sample_rate={RATE}", "features.n_mels=20"]


def untrained(*chosen: str):
    torch.manual_seed(0)
    return build_pipeline(compose([*SMALL, *chosen]), ["yes", "no", "go"]).eval()


@pytest.mark.parametrize("model", ["cnn", "crnn_ctc"])
def test_saliency_adds_up_to_what_the_answer_gains(model):
    pipeline = untrained(f"model={model}")
    wave_T = torch.randn(RATE) / 10
    found = explanation(pipeline, wave_T, RATE)
    frames_BTF, counts_B = pipeline.features(wave_T[None], torch.tensor([RATE]))
    assert found.saliency_TF.shape == found.frames_TF.shape == frames_BTF.shape[1:]
    ids = pipeline.objective.encode(found.text)
    targets = Targets(torch.tensor([ids]), torch.tensor([len(ids)]))
    mean_BTF = frames_BTF.mean(1, keepdim=True).expand_as(frames_BTF)
    with torch.no_grad():
        whole, none = (
            -pipeline.objective.loss(*pipeline.encoder(x, counts_B), targets) for x in (frames_BTF, mean_BTF)
        )
    assert found.saliency_TF.sum() == pytest.approx(float(whole - none), abs=0.05)
    assert found.bands[0][:2] == (0, 2) and found.bands[-1].last == 19
    assert (found.logp_TV is None) == (model == "cnn")


def test_a_model_that_looks_at_one_band_falls_without_it():
    pipeline = untrained("model=cnn")
    forward = pipeline.encoder.forward

    def listens_low(frames_BTF, lengths_B):
        kept = frames_BTF.clone()
        kept[..., 3:] = 0
        return forward(kept, lengths_B)

    pipeline.encoder.forward = listens_low
    found = explanation(pipeline, torch.randn(RATE) / 10, RATE)
    assert abs(found.bands[0].fall) > 1e-4
    assert all(band.fall == pytest.approx(0, abs=1e-6) for band in found.bands[1:])
    assert found.saliency_TF[:, :3].abs().sum() > 0 and found.saliency_TF[:, 3:].abs().max() == 0


def test_attention_is_that_of_every_layer_and_words_are_in_seconds():
    pipeline = untrained("model=transformer_ctc", "model.encoder.layers=2", "model.encoder.width=16")
    with torch.no_grad():
        pipeline.objective.head.bias[:] = (
            torch.nn.functional.one_hot(torch.tensor(1), len(pipeline.objective.head.bias)) * 9
        )
    found = explanation(pipeline, torch.randn(RATE) / 10, RATE)
    assert list(found.attention) == ["layers.0.attention", "layers.1.attention"]
    for looks_TT in found.attention.values():
        torch.testing.assert_close(looks_TT.sum(1), torch.ones(len(looks_TT)))
    assert found.words and 0 < found.words[-1].end <= 1.05


def test_what_cannot_be_explained_is_told():
    with pytest.raises(UserError, match="too short"):
        explanation(untrained("model=cnn_lstm", "model.encoder.padding=valid"), torch.randn(100), RATE)
    pipeline = untrained("model=crnn_ctc")
    with torch.no_grad():
        pipeline.objective.head.bias[-1] = 99
    with pytest.raises(UserError, match="writes nothing"):
        explanation(pipeline, torch.randn(RATE) / 10, RATE)

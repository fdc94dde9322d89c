from __future__ import annotations

import pytest
import torch
from torch import nn

from asrx.config.compose import compose
from asrx.models.narrow import UNITS, largest, load, narrower
from asrx.training.pipeline import build_pipeline
from asrx.types import UserError

ENCODERS = {
    "cnn": [],
    "cnn1d": [],
    "crnn": ["model.encoder.layers=2", "model.encoder.width=16"],
    "causal_crnn": ["model.encoder.width=16"],
    "lstm": ["model.encoder.width=16"],
}


def made(encoder: str, objective: str, *overrides: str):
    """A config and its pipeline with weights that batch normalisation has seen something through."""
    cfg = compose([f"model/encoder={encoder}", f"model/objective={objective}", *ENCODERS[encoder], *overrides])
    pipeline = build_pipeline(cfg, labels=["a", "b", "c"] if objective == "cross_entropy" else None)
    for _ in range(3):
        pipeline.train()(torch.randn(4, 8000), torch.full((4,), 8000))
    return cfg, pipeline.eval()


def parts(pipeline) -> nn.ModuleList:
    return nn.ModuleList([pipeline.encoder, pipeline.objective])


def weights(pipeline) -> dict[str, torch.Tensor]:
    return {k: v for k, v in pipeline.state_dict().items() if k.partition(".")[0] in ("encoder", "objective")}


def silence(pipeline, heads) -> None:
    """Let half of the units of each layer, others in each, answer nothing but zeros: all that makes them is zero."""
    state = weights(pipeline)
    for units in UNITS[type(pipeline.encoder)](pipeline.encoder, heads):
        count = state[units[0].name].shape[0] // units[0].stretches
        silent = torch.randperm(count)[: count // 2]
        for axis in units:
            if axis.dim == 0:
                state[axis.name].view(axis.stretches, count, -1)[:, silent] = 0


@pytest.mark.parametrize("encoder", ENCODERS)
def test_without_units_that_do_nothing_the_answers_are_the_same(encoder):
    torch.manual_seed(0)
    cfg, wide = made(encoder, "cross_entropy")
    silence(wide, lambda *_: [])
    widths = narrower(cfg.model.encoder, 0.5)
    _, narrow = made(encoder, "cross_entropy", *(f"model.encoder.{key}={n}" for key, n in widths.items()))
    parts(narrow).load_state_dict(
        {k.replace("encoder.", "0.", 1).replace("objective.", "1.", 1): v
         for k, v in largest(weights(wide), parts(narrow)).items()}
    )  # fmt: skip
    narrow.features.load_state_dict(wide.features.state_dict())
    waves = torch.randn(3, 8000), torch.tensor([8000, 5000, 7000])
    answers = [p.objective.outputs(*p(*waves)) for p in (wide, narrow)]
    torch.testing.assert_close(*answers, atol=1e-5, rtol=1e-4)
    assert answers[0].std(0).min() > 1e-4  # they depend on what is heard


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_largest_units_are_kept_in_order_and_the_head_of_ctc_fits(encoder):
    cfg, wide = made(encoder, "ctc")
    widths = narrower(cfg.model.encoder, 0.75)
    _, narrow = made(encoder, "ctc", *(f"model.encoder.{key}={n}" for key, n in widths.items()))
    kept = largest(weights(wide), parts(narrow))
    assert {k: v.shape for k, v in kept.items()} == {k: v.shape for k, v in weights(narrow).items()}
    name = next(name for name in kept if name.endswith(("convs.0.weight", "0.0.weight_ih_l0")))
    before, after = weights(wide)[name], kept[name]
    if "convs" in name:
        sizes = before.flatten(1).abs().sum(1)
        assert torch.equal(after, before[sizes.topk(len(after)).indices.sort().values])


def test_one_unit_stays():
    assert narrower({"_target_": "asrx.models.cnn.CNN", "channels": [2, 8]}, 0.9) == {"channels": [1, 1]}


def test_other_encoders_are_refused_by_name():
    with pytest.raises(UserError, match=r"asrx\.models\.wave_cnn\.WaveCNN cannot be made narrower \(CNN, CNN1d, CRNN"):
        narrower({"_target_": "asrx.models.wave_cnn.WaveCNN", "channels": [8]}, 0.5)


@pytest.mark.parametrize("other", ["cnn1d", "lstm"])
def test_a_checkpoint_of_another_encoder_is_refused(other, tmp_path):
    _, narrow = made("cnn", "ctc")
    _, strange = made(other, "ctc")
    state = {f"pipeline.{name}": value for name, value in strange.state_dict().items()}
    torch.save({"asrx": {"config": {}, "labels": []}, "state_dict": state}, tmp_path / "best.ckpt")
    with pytest.raises(UserError, match="holds another encoder"):
        load(parts(narrow), str(tmp_path / "best.ckpt"))

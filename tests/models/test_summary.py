from __future__ import annotations

import pytest
import torch

from asrx.config.compose import compose
from asrx.models.summary import PARTS, layers
from asrx.report.run.page import _blocks
from asrx.training.pipeline import build_pipeline


@pytest.mark.parametrize("chosen", [["model=crnn_ctc"], ["model/objective=joint"], ["model=bc_resnet"]], ids=" ".join)
def test_every_parameter_is_in_a_layer_that_is_shown(chosen):
    pipeline = build_pipeline(compose(chosen), ["yes", "no"]).train()
    rows = layers(pipeline, torch.randn(1, 16000), torch.tensor([16000]))
    total = sum(p.numel() for p in pipeline.parameters())
    assert pipeline.training
    assert [row["name"] for row in rows if row["name"] in PARTS] == list(PARTS)
    assert sum(row["parameters"] for row in rows if row["name"] in PARTS) == total
    single = {row["name"]: row["parameters"] for row in rows if row["name"] not in PARTS}
    assert sum(single.values()) == total
    assert sum(block["parameters"] for block in _blocks(rows)) == total


def test_a_layer_has_the_shape_that_comes_out_of_it():
    pipeline = build_pipeline(compose(["model=crnn_ctc"]), ["yes", "no"])
    rows = {row["name"]: row for row in layers(pipeline, torch.randn(1, 16000), torch.tensor([16000]))}
    assert (rows["features"]["kind"], rows["features"]["shape"]) == ("LogMel", [101, 40])
    assert (rows["encoder.convs.convs.1"]["kind"], rows["encoder.convs.convs.1"]["shape"]) == ("Conv2d", [32, 26, 10])
    assert rows["encoder"]["shape"] == [26, 192] and rows["objective.head"]["shape"] == [26, 29]
    titles = [block["title"] for block in _blocks(list(rows.values()))]
    assert titles == [
        "features",
        *(f"encoder.{part}" for part in ("convs", "project", "lstm")),
        *(f"objective.{part}" for part in ("norm", "head")),
    ]

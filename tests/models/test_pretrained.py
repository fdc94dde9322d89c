from __future__ import annotations

import pytest
import torch
from torch import nn

from asrx.models.pretrained import load
from asrx.types import UserError


@pytest.fixture
def checkpoint(tmp_path):
    encoder, objective = nn.Linear(3, 4), nn.Linear(4, 28)
    state = {f"pipeline.{name}.{k}": v for name, m in (("encoder", encoder), ("objective", objective))
             for k, v in m.state_dict().items()}  # fmt: skip
    torch.save({"asrx": {"config": {}, "labels": []}, "state_dict": state}, tmp_path / "best.ckpt")
    return tmp_path / "best.ckpt", encoder


def test_the_encoder_is_loaded_and_the_objective_is_not(checkpoint):
    path, encoder = checkpoint
    module = nn.ModuleList([nn.Linear(3, 4), nn.Linear(4, 10)])
    head = module[1].weight.clone()
    load(module, str(path))
    assert torch.equal(module[0].weight, encoder.weight)
    assert torch.equal(module[1].weight, head)


def test_another_encoder_is_refused(checkpoint):
    with pytest.raises(UserError, match="holds another encoder"):
        load(nn.ModuleList([nn.Linear(3, 5), nn.Linear(5, 10)]), str(checkpoint[0]))


def test_a_missing_checkpoint_is_named():
    with pytest.raises(UserError, match=r"model\.init\.checkpoint=nowhere\.ckpt: there is no such checkpoint"):
        load(nn.ModuleList([nn.Linear(3, 4)]), "nowhere.ckpt")


def test_a_larger_encoder_takes_what_fits_and_says_so(checkpoint, capsys):
    path, encoder = checkpoint
    larger = nn.Linear(3, 4)
    larger.extra = nn.Linear(4, 6)
    load(nn.ModuleList([larger]), str(path), partly=True)
    assert torch.equal(larger.weight, encoder.weight)
    told = capsys.readouterr().out
    assert (
        f"2 of the encoder's 4 tensors are those of {path}; begun anew: encoder.extra.weight, encoder.extra.bias."
        in told
    )
    with pytest.raises(UserError, match="holds another encoder"):
        load(nn.ModuleList([nn.Conv1d(3, 4, 2, bias=False)]), str(path), partly=True)

from __future__ import annotations

import pytest
import torch
from torch import nn

from asrx.models.sparse import load
from asrx.types import UserError


@pytest.fixture
def checkpoint(tmp_path):
    encoder, objective = nn.LSTM(3, 4), nn.Linear(4, 5)
    state = {f"pipeline.{part}.{name}": value for part, module in (("encoder", encoder), ("objective", objective))
             for name, value in module.state_dict().items()}  # fmt: skip
    torch.save({"asrx": {"config": {}, "labels": []}, "state_dict": state}, tmp_path / "best.ckpt")
    return str(tmp_path / "best.ckpt"), nn.ModuleList([encoder, objective])


def test_the_smallest_weights_are_zero_and_the_others_are_the_runs(checkpoint):
    path, trained = checkpoint
    module = nn.ModuleList([nn.LSTM(3, 4), nn.Linear(4, 5)])
    load(module, path, 0.25)
    for old, new in zip(trained.parameters(), module.parameters(), strict=True):
        gone = new == 0
        assert gone.sum() == (round(0.25 * old.numel()) if old.dim() > 1 else 0)
        assert torch.equal(new, old * ~gone)
        assert not gone.any() or old[gone].abs().max() < old[~gone].abs().min()


@pytest.mark.parametrize(
    "optimizer", [lambda p: torch.optim.AdamW(p, 0.1), lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)]
)
def test_what_is_zero_stays_zero_and_the_others_learn(checkpoint, optimizer):
    module = nn.ModuleList([nn.LSTM(3, 4), nn.Linear(4, 5)])
    load(module, checkpoint[0], 0.5)
    before = [p.detach().clone() for p in module.parameters()]
    stepper = optimizer(module.parameters())
    for _ in range(3):
        stepper.zero_grad()
        module[1](module[0](torch.randn(7, 2, 3))[0]).square().sum().backward()
        stepper.step()
    for old, new in zip(before, module.parameters(), strict=True):
        zero = (old == 0) if old.dim() > 1 else torch.zeros_like(old, dtype=torch.bool)
        assert torch.equal(new == 0, zero)
        assert not (new == old)[~zero].any()


@pytest.mark.parametrize("amount", [0, 1, -0.5, 2])
def test_what_is_no_share_is_refused(checkpoint, amount):
    with pytest.raises(UserError, match=rf"model\.init\.amount={amount} should be a share"):
        load(nn.ModuleList([nn.LSTM(3, 4), nn.Linear(4, 5)]), checkpoint[0], amount)


def test_another_objective_is_refused(checkpoint):
    with pytest.raises(UserError, match="holds another objective"):
        load(nn.ModuleList([nn.LSTM(3, 4), nn.Linear(4, 6)]), checkpoint[0], 0.5)

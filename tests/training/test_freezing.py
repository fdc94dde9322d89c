from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from asrx.training.callbacks.freezing import Freeze
from asrx.types import UserError


@pytest.fixture
def system():
    encoder = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    pipeline = nn.ModuleDict({"encoder": encoder, "objective": nn.Linear(3, 1)})
    return SimpleNamespace(pipeline=pipeline)


def train(system, freeze, start, stop):
    trainer, parameters = SimpleNamespace(global_step=start), system.pipeline.parameters()
    optimizer = torch.optim.AdamW(parameters, lr=0.1, weight_decay=0.1)
    freeze.on_train_start(trainer, system)
    for trainer.global_step in range(start, stop):
        freeze.on_train_batch_start(trainer, system, None, 0)
        optimizer.zero_grad()
        encoder, objective = system.pipeline["encoder"], system.pipeline["objective"]
        objective(encoder(torch.randn(8, 2))).square().sum().backward()
        optimizer.step()


def test_what_is_frozen_learns_nothing_until_its_steps_are_over(system):
    before = {name: value.clone() for name, value in system.pipeline.state_dict().items()}
    train(system, Freeze(["encoder"], steps=3), 0, 3)
    now = system.pipeline.state_dict()
    changed = {name.partition(".")[0] for name in before if not torch.equal(before[name], now[name])}
    assert changed == {"objective"}
    train(system, Freeze(["encoder"], steps=3), 3, 4)  # as a resumed run does
    now = system.pipeline.state_dict()
    assert not any(torch.equal(before[name], now[name]) for name in before)


def test_a_part_that_is_not_there(system):
    with pytest.raises(UserError, match="finds no part encodr in the model; it has encoder"):
        train(system, Freeze(["encodr"], steps=3), 0, 1)

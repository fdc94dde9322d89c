"""What the environment says of several processes, and runs that are alone."""

from __future__ import annotations

import os

import pytest
from omegaconf import OmegaConf

from asrx.commands.answer import answered
from asrx.training.ranks import RANKS, is_first, take_ranks
from asrx.types import UserError


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in RANKS:
        monkeypatch.setenv(name, "0")  # so that what is changed is put back


@pytest.mark.parametrize("name", RANKS)
@pytest.mark.parametrize("left", ["1", "x", ""])
def test_a_run_that_is_alone_writes_whatever_another_program_left(name, left, monkeypatch):
    monkeypatch.setenv(name, left)
    assert not is_first()
    take_ranks(OmegaConf.create({"trainer": {"devices": 1, "strategy": "auto"}}))
    assert is_first() and os.environ[name] == "0"


def test_a_verb_is_alone(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "")
    with answered([]):
        assert is_first()


@pytest.mark.parametrize("trainer", [{"strategy": "ddp", "devices": 1}, {"devices": 2}, {"num_nodes": 2}])
def test_one_of_several_processes_keeps_its_place(trainer, monkeypatch):
    cfg = OmegaConf.create({"trainer": trainer})
    monkeypatch.setenv("LOCAL_RANK", "1")
    take_ranks(cfg)
    assert not is_first()
    monkeypatch.setenv("LOCAL_RANK", "x")
    with pytest.raises(UserError, match=r"LOCAL_RANK=x in the environment should be a whole number"):
        take_ranks(cfg)

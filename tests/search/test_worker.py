from __future__ import annotations

import os

import pytest
import torch

from asrx.search import worker


@pytest.mark.parametrize(
    ("visible", "gpus", "number", "taken"),
    [
        pytest.param("3,5", 8, 0, "3", id="the first of those that may be seen"),
        pytest.param("3,5", 8, 1, "5", id="the second"),
        pytest.param("3,5", 8, 2, "3", id="more workers than GPUs share"),
        pytest.param(None, 4, 3, "3", id="all may be seen"),
        pytest.param("7", 8, 1, "7", id="the scheduler gave one"),
        pytest.param(None, 0, 1, None, id="no GPU"),
    ],
)
def test_each_worker_takes_one_gpu(monkeypatch, visible, gpus, number, taken):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    worker._take_gpu(number)
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == taken

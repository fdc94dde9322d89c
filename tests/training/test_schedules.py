from __future__ import annotations

import pytest
import torch

from asrx.training import schedules


def rates(make, steps, **settings):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
    schedule, seen = make(optimizer, steps, "min", **settings), []
    for _ in range(steps or 40):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.stepped()
    return seen


def test_linear_rises_and_falls_along_straight_lines_to_nothing():
    seen = rates(schedules.linear, 20, warmup=0.2)
    assert seen[:5] == pytest.approx([0.4, 0.8, 1.2, 1.6, 2.0])
    assert seen[4:] == pytest.approx([2 - i / 8 for i in range(16)])


def test_noam_peaks_at_the_optimizers_rate_and_falls_with_the_root_of_the_step():
    seen = rates(schedules.noam, None, warmup_steps=10)
    assert seen[:10] == pytest.approx([0.2 * i for i in range(1, 11)])
    assert max(seen) == seen[9]
    assert seen[39] == pytest.approx(1.0)

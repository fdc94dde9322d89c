from __future__ import annotations

import torch

from asrx.augment.time_shift import TimeShift


def test_an_utterance_moves_by_up_to_the_seconds_either_way_and_stays_what_it_was():
    torch.manual_seed(0)
    wave = torch.zeros(400, 60)
    wave[:, 20:23] = torch.tensor([1.0, 2.0, 3.0])
    shifted, lengths = TimeShift(100, 0.1)(wave, torch.full((400,), 40))
    assert lengths.tolist() == [40] * 400
    starts = [row.tolist().index(1.0) for row in shifted]
    assert all(row[start : start + 3].tolist() == [1, 2, 3] for row, start in zip(shifted, starts, strict=True))
    assert set(starts) == set(range(10, 31))


def test_what_leaves_does_not_come_in_at_the_other_end():
    wave, lengths = torch.ones(100, 50), torch.full((100,), 30)
    shifted, _ = TimeShift(100, 0.05)(wave, lengths)
    assert shifted[:, 30:].sum() == 0
    assert {int(row.sum()) for row in shifted} == set(range(25, 31))

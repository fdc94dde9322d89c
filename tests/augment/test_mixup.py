from __future__ import annotations

import pytest
import torch

from asrx.augment.mixup import Mixup
from asrx.types import UserError

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def weights(mixup: Mixup, batches: int) -> torch.Tensor:
    return torch.stack([mixup(8, CPU).weight_B for _ in range(batches)])


@pytest.mark.parametrize(("draw", "different"), [("sample", 8 * 20), ("batch", 20), ("dataset", 1)])
def test_how_often_a_weight_is_drawn(draw, different):
    drawn = weights(Mixup(2.0, draw), 20)
    assert drawn.shape == (20, 8)
    assert len(drawn.unique()) == different
    assert len(drawn.unique(dim=1).T) == (8 if draw == "sample" else 1)


@pytest.mark.parametrize("draw", ["sample", "batch", "dataset"])
def test_partners_are_drawn_for_every_batch(draw):
    mixup = Mixup(0.5, draw)
    partners = [tuple(mixup(8, CPU).partner_B.tolist()) for _ in range(20)]
    assert len(set(partners)) > 15
    assert all(sorted(partner) == list(range(8)) for partner in partners)


@pytest.mark.parametrize("draw", ["batch", "dataset"])
def test_weights_follow_the_beta_distribution(draw):
    if draw == "batch":
        drawn = torch.stack([mix.weight_B[0] for mix in map(Mixup(0.5, draw), [2] * 2000, [CPU] * 2000)])
    else:
        drawn = torch.stack([Mixup(0.5, draw)(2, CPU).weight_B[0] for _ in range(2000)])
    assert float(drawn.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(drawn.var()) == pytest.approx(0.125, abs=0.015)


def test_a_resumed_run_has_the_weight_it_began_with():
    begun, resumed = Mixup(0.5, "dataset"), Mixup(0.5, "dataset")
    assert not torch.equal(weights(begun, 1), weights(resumed, 1))
    resumed.load_state_dict(begun.state_dict())
    assert torch.equal(weights(begun, 1), weights(resumed, 1))
    assert not Mixup(0.5, "sample").state_dict()


def test_what_cannot_be_drawn():
    with pytest.raises(UserError, match=r"augment\.mixup\.draw=epoch"):
        Mixup(0.5, "epoch")
    with pytest.raises(UserError, match=r"augment\.mixup\.alpha=0"):
        Mixup(0)

from __future__ import annotations

import pytest
from torch import nn

from asrx.models.crnn import CRNN
from asrx.training.rates import layerwise, one_group
from asrx.types import UserError


def test_each_layer_below_learns_more_slowly():
    whole = nn.ModuleDict(
        {"pipeline": nn.ModuleDict({"encoder": CRNN(16, [4, 8], width=8, layers=2), "objective": nn.Linear(8, 3)})}
    )
    named = list(whole.named_parameters())
    names = {id(parameter): name.removeprefix("pipeline.") for name, parameter in named}
    groups = layerwise(iter(named), lr=1.0, decay=0.5)
    assert [group["lr"] for group in groups] == [0.5**i for i in range(len(groups))]
    assert {names[id(parameter)] for parameter in groups[0]["params"]} == {"objective.weight", "objective.bias"}
    assert all(names[id(parameter)].startswith("encoder.lstm.layers.1") for parameter in groups[1]["params"])
    assert all(names[id(parameter)].startswith("encoder.lstm.layers.0") for parameter in groups[2]["params"])
    assert sum(len(group["params"]) for group in groups) == len(named) == len(one_group(named)[0]["params"])


@pytest.mark.parametrize("decay", [0, 1.1, float("nan")])
def test_a_decay_that_is_none_is_refused(decay):
    with pytest.raises(UserError, match=r"optimizer\.rates\.decay=.* should be a number above 0, to 1"):
        layerwise([], lr=1.0, decay=decay)

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from asrx.training.callbacks.averaging import BestEpochs
from asrx.types import UserError


class Weights(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight, self.results = nn.Parameter(torch.zeros(1)), {}
        self.register_buffer("seen", torch.tensor(0))


@pytest.mark.parametrize(
    ("mode", "values", "kept"),
    [("min", [0.5, 0.2, 0.4, 0.2], [3, 1]), ("max", [0.5, 0.2, 0.4, 0.2], [0, 2])],
    ids=["lowest, of equal ones the later first", "highest"],
)
def test_the_mean_is_of_the_best_validations_and_survives_a_checkpoint(mode, values, kept):
    average, weights = BestEpochs("val/cer", mode, epochs=2), Weights()
    for epoch, value in enumerate(values):
        with torch.no_grad():
            weights.weight.fill_(float(epoch))
        weights.seen.fill_(epoch)
        weights.results = {"val/cer": value}
        average.on_validation_end(SimpleNamespace(sanity_checking=epoch > 3, current_epoch=epoch), weights)
        again = BestEpochs("val/cer", mode, epochs=2)
        again.load_state_dict(average.state_dict())
        average = again
    assert [one.epoch for one in average.kept] == kept
    assert average.mean() == {"weight": torch.tensor([sum(kept) / 2]), "seen": torch.tensor(kept[0])}


def test_a_number_that_is_none_is_refused():
    with pytest.raises(UserError, match=r"optimizer\.average\.epochs=0 should be"):
        BestEpochs("val/cer", "min", epochs=0)

"""Features that cannot work are refused in a sentence."""

from __future__ import annotations

import pytest

from asrx.config.compose import compose
from asrx.features.tried import features_of
from asrx.types import UserError


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["dataset=images", "features=image", "features.scale=0"], "it makes the same of every sound"),
        (["features.n_mels=0"], "it makes the same of every sound"),
        (["features.log=db", "features.range_db=0"], "it makes the same of every sound"),
        (["features.floor=0"], "what it makes of noise or of silence is not numbers"),
        (["features.hop=0"], "a window or a hop of 0 s is none"),
        (["features.window=-1"], "a window or a hop of -1 s is none"),
        (["features=raw", "features.hop=0"], "features.hop=0 should be a whole number from 1"),
        (["features=raw", "features.window=0"], "features.window=0 should be a whole number from 1"),
        (["features.f_min=9000"], "LogMel cannot be made: Require f_min"),
    ],
)
def test_what_cannot_work_is_refused(overrides, told):
    cfg = compose(overrides)
    with pytest.raises(UserError, match=told):
        features_of(cfg.features, cfg.dataset.sample_rate)


def test_trying_draws_nothing_from_the_random_numbers_of_the_run():
    import torch

    torch.manual_seed(3)
    before = torch.get_rng_state()
    features_of(compose([]).features, 16000)
    assert torch.equal(torch.get_rng_state(), before)

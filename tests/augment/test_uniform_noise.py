from __future__ import annotations

import pytest
import torch
from signals import padded

from asrx.augment.uniform_noise import UniformNoise


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def added(noise: UniformNoise, count: int, time: int) -> torch.Tensor:
    return noise(torch.zeros(count, time), torch.full((count,), time))[0]


def test_it_is_one_sided_and_uniform():
    noise = added(UniformNoise(0.03), 10, 2000)
    assert noise.min() >= 0
    assert 0.0299 < noise.max() < 0.03
    assert float(noise.mean()) == pytest.approx(0.015, abs=2e-4)
    assert float(noise.std()) == pytest.approx(0.00866, abs=2e-4)


def test_it_is_added_and_the_padding_stays_zero():
    wave, lengths = padded(torch.randn(2, 100), torch.tensor([100, 40]))
    noisy, _ = UniformNoise(0.03)(wave, lengths)
    assert 0.02 < (noisy - wave).max() < 0.031
    assert not noisy[1, 40:].any()


def test_it_comes_as_often_as_was_asked_for():
    assert abs(added(UniformNoise(probability=0.25), 2000, 10).any(1).float().mean() - 0.25) < 0.04


def test_fresh_noise_differs_and_shared_noise_is_always_the_same():
    fresh = added(UniformNoise(), 2, 50)
    assert not torch.equal(fresh[0], fresh[1])
    shared = UniformNoise(shared=True)
    first, longer, shorter = added(shared, 2, 50), added(shared, 2, 90), added(shared, 1, 30)
    assert len(first[0].unique()) > 40
    for row in (*first, *longer, *shorter):
        torch.testing.assert_close(row[:30], first[0, :30], atol=0, rtol=0)
    assert not torch.equal(added(UniformNoise(shared=True), 1, 50)[0], first[0]), "each run draws its own"


def test_a_resumed_run_has_the_shared_noise_it_began_with():
    begun, resumed = UniformNoise(shared=True), UniformNoise(shared=True)
    resumed.load_state_dict(begun.state_dict())
    assert torch.equal(added(begun, 1, 50), added(resumed, 1, 50))

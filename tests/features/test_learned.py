"""Features that learn."""

from __future__ import annotations

import math

import pytest
import torch

from asrx.features.convolutions import Convolutions
from asrx.features.leaf import Leaf
from asrx.features.pcen import PCEN
from asrx.types import UserError

RATE = 16000
LENGTHS = torch.tensor([RATE, 5001])
WAVES = torch.randn(2, RATE, generator=torch.Generator().manual_seed(0)) * 0.1
WAVES[1, 5001:] = 0


@pytest.mark.parametrize("make", [lambda: Leaf(RATE), Convolutions, lambda: PCEN(RATE, learned=True)])
def test_every_weight_gets_a_gradient_and_none_where_none_is_asked_for(make):
    features = make()
    frames, _ = features(WAVES, LENGTHS)
    (frames * torch.randn_like(frames)).sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in features.parameters())
    with torch.no_grad():
        assert not features(WAVES, LENGTHS)[0].requires_grad
    assert not features.requires_grad_(False)(WAVES, LENGTHS)[0].requires_grad


def test_a_tone_lights_up_the_filter_of_its_frequency():
    leaf = Leaf(RATE, normalize="none")
    hertz = leaf.centre.detach() * RATE / (2 * math.pi)
    assert (hertz.diff() > 0).all()
    for i in (10, 25, 35):
        tone = 0.1 * torch.sin(2 * math.pi * hertz[i] * torch.arange(RATE) / RATE)[None]
        tone[:, : RATE // 2] = 0
        frames, _ = leaf(tone, torch.tensor([RATE]))
        assert int(frames[0, 52].argmax()) == i


@pytest.mark.parametrize("n", [1, 159, 160, 161, 4000])
def test_convolutions_have_a_frame_for_every_hop_begun(n):
    frames, lengths = Convolutions()(torch.randn(1, n), torch.tensor([n]))
    assert frames.shape[1] == lengths[0] == math.ceil(n / 160)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Leaf(RATE, f_min=9000), "f_min=9000 to f_max=8000"),
        (lambda: Leaf(RATE, hop=0.001), "features.hop=0.001 is less than 20 samples"),
        (lambda: Convolutions(kernels=[3], strides=[2, 2]), "should be as many"),
        (lambda: Convolutions(kernels=[3], strides=[4]), "should be from 1 to the kernel"),
    ],
)
def test_what_cannot_be_is_told(make, message):
    with pytest.raises(UserError, match=message):
        make()

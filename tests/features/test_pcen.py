from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from asrx.features.pcen import PCEN, Normalisation
from asrx.types import UserError

ENERGY = torch.rand(2, 300, 5, generator=torch.Generator().manual_seed(0)) ** 4 * 1e4


def test_it_is_librosa_s():
    ours = Normalisation(5, 2000, 0.025, 0.98, 2.0, 0.5)(ENERGY)
    for row, energy in zip(ours, ENERGY.numpy(), strict=True):
        first = (1 - 0.025) * energy[:1].T  # the filter's state after an endless first frame
        expected = librosa.pcen(energy.T, b=0.025, gain=0.98, bias=2.0, power=0.5, eps=1e-6, zi=first)
        np.testing.assert_allclose(row.T.numpy(), expected, rtol=2e-3, atol=1e-4)


def test_what_it_learns_begins_as_what_is_fixed_and_gets_gradients():
    fixed, learned = (Normalisation(5, 100, 0.04, 0.96, 2.0, 0.5, learned) for learned in (False, True))
    answer = learned(ENERGY)
    torch.testing.assert_close(answer, fixed(ENERGY))
    answer.sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in learned.parameters())
    assert len(list(learned.parameters())) == 4 and not list(fixed.parameters())


def test_a_steady_gain_changes_little():
    wave = torch.randn(1, 32000, generator=torch.Generator().manual_seed(0)) * 0.1
    features = PCEN(16000, normalize="none")
    loud, soft = (features(wave * level, torch.tensor([32000]))[0] for level in (1.0, 0.1))
    # ten times the amplitude is a hundred times the energy, and of that 1 - 0.98 is left: 100 ** 0.02 = 1.096
    assert (loud - soft).abs().mean() < 0.096 * loud.abs().mean()


@pytest.mark.parametrize(("name", "value"), [("smoothing", 0), ("exponent", 1.5), ("power", -1), ("bias", 0)])
def test_constants_that_cannot_be_are_told(name, value):
    with pytest.raises(UserError, match=rf"={value} should be"):
        PCEN(16000, **{name: value})

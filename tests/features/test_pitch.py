from __future__ import annotations

import math

import pytest
import torch

from asrx.features.pitch import Pitch
from asrx.types import UserError

RATE = 16000
TIME = torch.arange(RATE) / RATE


def pitch(wave: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Voicing and Hz of the frames that are not at the ends."""
    frames, _ = Pitch(RATE, normalize="none")(wave[None], torch.tensor([len(wave)]))
    voicing, octaves = frames[0, 5:-5].unbind(1)
    return voicing, 60 * 2 ** (octaves / voicing.clamp_min(1e-3))


@pytest.mark.parametrize("hertz", [75, 110, 173.2, 251, 390])
def test_a_voice_of_many_harmonics_has_the_pitch_of_the_lowest(hertz):
    wave = sum(torch.sin(2 * math.pi * hertz * k * TIME) / k for k in range(1, 9)) * 0.1
    voicing, hz = pitch(wave)
    assert voicing.min() > 0.95
    torch.testing.assert_close(hz, torch.full_like(hz, hertz), rtol=5e-3, atol=0)


def test_a_pitch_that_rises_is_followed():
    hertz = torch.linspace(100, 200, RATE)
    phase = 2 * math.pi * torch.cumsum(hertz, 0) / RATE
    _, hz = pitch(sum(torch.sin(k * phase) / k for k in range(1, 6)))
    torch.testing.assert_close(hz, hertz[::160][5:][: len(hz)], rtol=0.02, atol=0)


def test_noise_is_less_voiced_than_a_voice_and_silence_not_at_all():
    noise, _ = pitch(torch.randn(RATE, generator=torch.Generator().manual_seed(0)) * 0.1)
    silence, _ = pitch(torch.zeros(RATE))
    assert noise.mean() < 0.5 and not silence.any()


def test_pitches_that_cannot_be_are_told():
    with pytest.raises(UserError, match=r"f_min=500 to f_max=400"):
        Pitch(RATE, f_min=500)

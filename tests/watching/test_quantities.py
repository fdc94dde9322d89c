"""Each quantity follows what is done to a voice, and the others stay."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from scipy.signal import butter, sosfilt

from asrx.watching.quantities import QUANTITIES, quantities

RATE = 16000
KEYS = [quantity.key for quantity in QUANTITIES]


def voice(pitch: float, seconds: float = 0.2, gain: float = 0.3, pauses: int = 4) -> np.ndarray:
    """Syllables of so many seconds with pauses as long between them, a little noise behind all."""
    rng, time = np.random.default_rng(0), np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * k * pitch * time) / k for k in range(1, int(RATE / 2 / pitch)))
    parts = [part for _ in range(pauses) for part in (gain * tones / np.abs(tones).max(), 0 * time)]
    wave = np.concatenate(parts)
    return wave + 1e-4 * rng.standard_normal(len(wave))


def measured(wave: np.ndarray, text: str = "one two three four", rate: int = RATE) -> dict[str, float]:
    samples = np.clip(np.rint(32768 * wave), -32768, 32767).astype("int16")
    return dict(zip(KEYS, quantities(samples, rate, text, 0.9).tolist(), strict=True))


def test_what_they_are():
    found = measured(voice(150))
    assert found["pitch"] == pytest.approx(150, abs=1.5)
    assert found["rate"] == pytest.approx(4 / 0.8, rel=0.2)
    assert found["confidence"] == 0.9
    power = 20 * np.log10(np.sqrt(np.square(voice(150)[800:2400]).mean()))
    assert found["level"] == pytest.approx(power, abs=1)
    assert found["snr"] == pytest.approx(power + 80, abs=2)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda wave: wave / 4, {"level": -12.04}),
        (lambda wave: wave + 1e-2 * np.random.default_rng(1).standard_normal(len(wave)), {"snr": -40}),
        (lambda wave: soxr.resample(soxr.resample(wave, RATE, 8000), 8000, RATE), {"high_band": -64}),
        (lambda wave: sosfilt(butter(8, 450, "high", fs=RATE, output="sos"), wave), {"low_band": -25}),
    ],
)
def test_only_what_is_changed_moves(change, expected):
    before, after = measured(voice(150)), measured(change(voice(150)))
    (key,) = expected
    assert after[key] - before[key] == pytest.approx(expected[key], abs=0.3 if key == "level" else 6)
    for other in {"level", "snr", "low_band", "high_band"} - {key}:
        if key != "low_band":  # where most of the voice is taken away, its shares move
            assert after[other] == pytest.approx(before[other], abs=3.5), other  # half the band holds half the noise
    assert after["pitch"] == pytest.approx(150, abs=1.5)


def test_higher_and_faster():
    assert measured(voice(240))["pitch"] == pytest.approx(240, abs=3)
    faster = measured(voice(150, seconds=0.2 / 1.2))
    assert faster["rate"] / measured(voice(150))["rate"] == pytest.approx(1.2, abs=0.1)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("samples", [1, 300, 100_000])
def test_silence_and_shortness_are_numbers(samples, rate):
    for wave in (np.zeros(samples), np.ones(samples), -np.ones(samples)):
        assert np.isfinite(list(measured(wave, "", rate).values())).all()
    assert measured(np.zeros(samples))["level"] == pytest.approx(-101, abs=0.2)
    assert measured(np.zeros(samples))["pitch"] == 0


def test_a_long_recording_is_looked_at_all_over():
    one, long = measured(voice(150)), measured(voice(150, pauses=200))
    for key in ("level", "snr", "low_band", "high_band", "pitch"):
        assert long[key] == pytest.approx(one[key], rel=0.05, abs=1), key

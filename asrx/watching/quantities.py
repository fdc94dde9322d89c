"""What is measured of a recording."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


class Quantity(NamedTuple):
    """Its key in a profile, what it is called, its unit, and what is said where there is less and more of it."""

    key: str
    name: str
    unit: str
    less: str
    more: str


QUANTITIES = (
    Quantity("level", "level", "dBFS", "quieter", "louder"),
    Quantity("snr", "signal-to-noise ratio", "dB", "more noise", "less noise"),
    Quantity("low_band", "share below 300 Hz", "dB", "less below 300 Hz", "more below 300 Hz"),
    Quantity("high_band", "share of the upper half of the band", "dB", "less treble", "more treble"),
    Quantity("pitch", "pitch", "Hz", "lower voices", "higher voices"),
    Quantity("rate", "speaking rate", "words/s", "slower", "faster"),
    Quantity("confidence", "confidence", "", "less sure", "surer"),
)

WINDOW, HOP = 0.04, 0.01  # s; two periods of the lowest voice
MOST = 3000  # frames; those of a longer recording are further apart
LOUD, QUIET = 95, 10  # percentiles of the frames' levels: that of speech, that of what is behind it
RANGE = 25.0  # dB below the loudest frames, in which there is speech
LOW = 300.0  # Hz; telephones begin there
VOICES = (70.0, 400.0)  # Hz
VOICED = 0.5  # of a frame's autocorrelation, at the period
OCTAVE = 0.02  # what a candidate for the period an octave lower must be better by
ROUNDING = 1 / 12 / 32768**2  # power of what 16 bits leave out, below which nothing is heard


def quantities(wave_T: np.ndarray, rate: int, text: str, confidence: float) -> np.ndarray:
    """The `QUANTITIES` of a recording, (Q,), in their order and units; all are finite.

    The level is that of the loudest frames; the ratio is theirs to the quietest. Pitch is the median over voiced
    frames, by autocorrelation as in Boersma (1993), "Accurate short-term analysis of the fundamental frequency"; 0
    where none is. The speaking rate is the words of the text in a second of what is not pause.

    Args:
        wave_T: int16, at least one sample.
        rate: of it, in Hz.
        text: that was recognised.
        confidence: in it, from 0 to 1.
    """
    size = round(WINDOW * rate)
    wave_T = np.pad(wave_T, (0, max(0, size - len(wave_T)))) / np.float32(32768)
    hop = max(round(HOP * rate), len(wave_T) // MOST)
    window_N = np.hanning(size).astype("float32")
    frames_TN = sliding_window_view(wave_T, size)[::hop] * window_N
    n = 1 << (2 * size - 1).bit_length()  # padded, for the autocorrelation
    power_TF = np.square(np.abs(np.fft.rfft(frames_TN, n))) + ROUNDING * np.square(window_N).sum()
    level_T = 10 * np.log10(power_TF.mean(1) / np.square(window_N).mean() / size)
    loud, quiet = np.percentile(level_T, (LOUD, QUIET))
    speech_T = level_T >= max(loud - RANGE, (loud + quiet) / 2)
    spectrum_F = power_TF[speech_T].mean(0)
    frequency_F = np.linspace(0, rate / 2, len(spectrum_F))
    low, high = (
        10 * np.log10(spectrum_F[band_F].sum() / spectrum_F.sum())
        for band_F in (frequency_F < LOW, frequency_F > rate / 4)
    )
    seconds = max(speech_T.sum() * hop / rate, WINDOW)
    pitch = _pitch(power_TF[speech_T], window_N, rate)
    return np.array([loud, loud - quiet, low, high, pitch, len(text.split()) / seconds, confidence])


def _pitch(power_TF: np.ndarray, window_N: np.ndarray, rate: int) -> float:
    n = 2 * (power_TF.shape[1] - 1)
    own_L = np.fft.irfft(np.square(np.abs(np.fft.rfft(window_N, n))))
    shortest, longest = round(rate / VOICES[1]), round(rate / VOICES[0])
    likeness_TL = np.fft.irfft(power_TF)[:, : longest + 1]
    likeness_TL = likeness_TL / likeness_TL[:, :1] / (own_L[: longest + 1] / own_L[0])
    lag_L = np.arange(shortest, longest + 1)
    likeness_TL = likeness_TL[:, shortest:] - OCTAVE * np.log2(lag_L / shortest)
    voiced_T = likeness_TL.max(1) > VOICED
    return float(np.median(rate / lag_L[likeness_TL[voiced_T].argmax(1)])) if voiced_T.any() else 0.0

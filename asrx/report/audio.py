"""The stretch of audio behind a prediction, for players and spectrograms."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np

from asrx.report.folder import Prediction
from asrx.types import UserError

MAX_SECONDS = 20.0
MAX_RATE = 16_000


class Clip(NamedTuple):
    """A mono waveform (T,) float32 in [-1, 1] at `rate` Hz; `seconds` is the utterance's length before any cut."""

    wave: np.ndarray
    rate: int
    seconds: float

    @property
    def cut(self) -> bool:
        """Whether the utterance is longer than the waveform."""
        return self.seconds > MAX_SECONDS


def read_clip(prediction: Prediction) -> Clip:
    """Reads at most the first `MAX_SECONDS` of an utterance, at no more than `MAX_RATE` Hz.

    Raises:
        UserError: the file is missing, unreadable or holds nothing at that place.
    """
    import soundfile

    try:
        with soundfile.SoundFile(prediction.audio) as file:
            rate = file.samplerate
            start = round(prediction.offset * rate)
            rest = max(file.frames - start, 0)
            length = rest if prediction.duration is None else min(round(prediction.duration * rate), rest)
            file.seek(min(start, file.frames))
            wave = file.read(min(length, round(MAX_SECONDS * rate)), dtype="float32", always_2d=True).mean(axis=1)
    except (OSError, soundfile.LibsndfileError) as error:
        raise UserError(f"Audio not readable: {prediction.audio}.") from error
    if not len(wave):
        raise UserError(f"No audio at {prediction.offset:g} s of {prediction.audio}.")
    seconds = length / rate
    if rate > MAX_RATE:
        import soxr

        wave, rate = soxr.resample(wave, rate, MAX_RATE), MAX_RATE
    return Clip(wave, rate, seconds)


def wav_bytes(clip: Clip) -> bytes:
    """A clip as a WAV file, 16-bit PCM."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(clip.wave, -1, 1), clip.rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def spectrogram_png(clip: Clip, columns: int = 500, range_db: float = 70.0) -> bytes:
    """The magnitude of the short-time Fourier transform in dB below its peak, as a PNG.

    25 ms Hann windows every 10 ms, or further apart where the clip would give more than `columns` of them. Time runs
    right from 0 to the clip's end, frequency up from 0 to half the rate.
    """
    import matplotlib
    from PIL import Image

    size = round(0.025 * clip.rate)
    hop = max(round(0.010 * clip.rate), len(clip.wave) // columns)
    # centred windows: column n is the sound at n * hop
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(clip.wave, size // 2), size)[::hop]
    magnitude = np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)).T[::-1]
    db = 20 * np.log10(np.maximum(magnitude / max(magnitude.max(), 1e-9), 1e-9))
    # 48 levels instead of 256 halve the file and cannot be told apart
    levels = 48
    image = Image.fromarray(np.round(np.clip(1 + db / range_db, 0, 1) * (levels - 1)).astype(np.uint8))
    colours = matplotlib.colormaps["magma"](np.linspace(0, 1, levels), bytes=True)[:, :3]
    image.putpalette(colours.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()

"""The sound of an utterance, for players, waveforms and spectrograms."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from asrx.report.document import data_uri
from asrx.report.figures import Strip, marks, outline
from asrx.report.folder import Prediction
from asrx.sound.recording import Recording, Unusable
from asrx.types import UserError, Utterance

MAX_SECONDS = 20.0
MAX_RATE = 16_000
LEVELS = 48  # colours of a picture; 256 would double the file and cannot be told apart


class Clip(NamedTuple):
    """A mono waveform (T,) float32 in [-1, 1] at `rate` Hz; `seconds` is the utterance's length before any cut."""

    wave: np.ndarray
    rate: int
    seconds: float

    @property
    def cut(self) -> bool:
        """Whether the utterance is longer than the waveform (by more than resampling rounds)."""
        return self.seconds > len(self.wave) / self.rate + 0.001


def read_clip(
    utterance: Prediction | Utterance, max_seconds: float = MAX_SECONDS, max_rate: int | None = MAX_RATE
) -> Clip:
    """Reads the beginning of an utterance from its file.

    Args:
        utterance: or what was predicted of it.
        max_seconds: where it is cut.
        max_rate: what a file of a higher rate is resampled to, in Hz; None leaves every rate as it is.

    Raises:
        UserError: the file is missing, unreadable or holds nothing at that place.
    """
    try:
        with Recording(utterance.audio) as recording:
            rate = recording.rate
            start = min(round(utterance.offset * rate), recording.frames)
            rest = recording.frames - start
            length = rest if utterance.duration is None else min(round(utterance.duration * rate), rest)
            blocks = recording.blocks(start, min(length, round(max_seconds * rate)))
            wave = np.concatenate([np.empty(0, np.float32), *(block.mean(axis=1) for block in blocks)])
    except Unusable as error:
        raise UserError(f"Audio not readable: {utterance.audio} {error}.") from error
    if not len(wave):
        raise UserError(f"No audio at {utterance.offset:g} s of {utterance.audio}.")
    seconds = length / rate
    if max_rate and rate > max_rate:
        import soxr

        wave, rate = soxr.resample(wave, rate, max_rate), max_rate
    return Clip(wave, rate, seconds)


def wav_bytes(clip: Clip) -> bytes:
    """A clip as a WAV file, 16-bit PCM."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(clip.wave, -1, 1), clip.rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def waveform(clip: Clip, peak: float) -> Strip:
    """The samples over time, between `-peak` and `peak`."""
    levels = [(0.0, f"{-peak:.2g}"), (0.5, "0"), (1.0, f"{peak:.2g}")]
    return Strip(None, outline(clip.wave, peak), marks(len(clip.wave) / clip.rate, 6), levels, "")


def spectrogram(clip: Clip) -> Strip:
    """`spectrogram_png` with its axes."""
    image = data_uri("image/png", spectrogram_png(clip))
    return Strip(image, None, marks(len(clip.wave) / clip.rate, 6), marks(clip.rate / 2000, 4), "kHz")


def spectrogram_png(clip: Clip, columns: int = 500, range_db: float = 70.0, full: float | None = None) -> bytes:
    """The magnitude of the short-time Fourier transform in dB, as a PNG.

    25 ms Hann windows every 10 ms, or further apart where the clip would give more than `columns` of them. Time runs
    right from 0 to the clip's end, frequency up from 0 to half the rate.

    Args:
        range_db: from the darkest colour to the brightest.
        full: the magnitude that is brightest, see `loudest`; None is the clip's own peak.
    """
    magnitude_FT = _magnitude(clip, columns)
    db = 20 * np.log10(np.maximum(magnitude_FT / max(magnitude_FT.max() if full is None else full, 1e-9), 1e-9))
    return picture_png(1 + db / range_db)


def loudest(clips: Sequence[Clip]) -> float:
    """The largest magnitude in the spectrograms of some clips: with it as `full` they can be compared."""
    return max(float(_magnitude(clip, 500).max()) for clip in clips)


def picture_png(shares_FT: np.ndarray) -> bytes:
    """Values from 0 (dark) to 1 (bright) as a PNG; time to the right, the first row at the bottom."""
    import matplotlib
    from PIL import Image

    image = Image.fromarray(np.round(np.clip(shares_FT[::-1], 0, 1) * (LEVELS - 1)).astype(np.uint8))
    colours = matplotlib.colormaps["magma"](np.linspace(0, 1, LEVELS), bytes=True)[:, :3]
    image.putpalette(colours.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _magnitude(clip: Clip, columns: int) -> np.ndarray:
    size = round(0.025 * clip.rate)
    hop = max(round(0.010 * clip.rate), len(clip.wave) // columns)
    # centred windows: column n is the sound at n * hop
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(clip.wave, size // 2), size)[::hop]
    return np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)).T

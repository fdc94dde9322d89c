"""Sound as the waveform store keeps it: decoded, mixed to mono, resampled, rounded to 16 bits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from asrx.data.store import NONE
from asrx.types import Utterance

SLACK = 0.05  # s; transcripts round the ends of segments


@dataclass(frozen=True)
class Audio:
    """Decodes sound files, whatever libsndfile reads; see `asrx.types.Decoder`.

    Args:
        sample_rate: to resample to, in Hz.
    """

    sample_rate: int

    @property
    def key(self) -> str:
        return str(self.sample_rate)

    @property
    def progress(self) -> str:
        return f"Decoding to {self.sample_rate / 1000:g} kHz"

    def decode(self, path: str, utterances: Sequence[Utterance]) -> Iterator[tuple[np.ndarray, str]]:
        """The int16 samples and the error text (empty when fine) of each utterance of one file, opened once."""
        import soundfile

        try:
            file = soundfile.SoundFile(path)
        except Exception as error:  # whatever a broken file provokes belongs in the list of bad audio
            text = f"cannot be read: {_reason(path, error)}"
            yield from ((NONE, text) for _ in utterances)
            return
        with file:
            for utterance in utterances:
                samples, text = NONE, ""
                try:
                    samples = _piece(file, utterance.offset, utterance.duration, self.sample_rate)
                except _Unusable as error:
                    text = str(error)
                except Exception as error:
                    text = f"cannot be read: {_reason(path, error)}"
                yield samples, text


class _Unusable(Exception):
    """Why an utterance has no samples."""


def _reason(path: str, error: Exception) -> str:
    try:
        open(path, "rb").close()  # libsndfile says "System error" where the operating system says what
    except OSError as refusal:
        return refusal.strerror
    return getattr(error, "error_string", str(error)).rstrip(".")


def _piece(file, offset: float, duration: float | None, sample_rate: int) -> np.ndarray:
    """Samples of one piece (`offset` and `duration` in seconds) of an open SoundFile, mono int16 at `sample_rate`."""
    import soxr

    rate, frames, length = file.samplerate, file.frames, file.frames / file.samplerate
    if not frames:
        raise _Unusable("holds no samples")
    if offset < 0 or (duration or 0) < 0:
        raise _Unusable(f"offset {offset:g} s and duration {duration} s must not be negative")
    start = round(offset * rate)
    if start >= frames:
        raise _Unusable(f"offset {offset:g} s lies past the end ({length:g} s)")
    count = frames - start if duration is None else round(duration * rate)
    if start + count > frames + SLACK * rate:
        raise _Unusable(f"offset {offset:g} s and duration {duration:g} s run past the end ({length:g} s)")
    count = min(count, frames - start)
    file.seek(start)
    wave = file.read(count, "float32", always_2d=True)
    if len(wave) + SLACK * rate < count:
        raise _Unusable(f"cannot be read: breaks off {(start + len(wave)) / rate:g} s into {length:g} s")
    wave = wave[:, 0] if file.channels == 1 else sum(wave.T) / file.channels
    if not np.isfinite(wave).all():
        raise _Unusable("holds samples that are not finite numbers")
    if rate != sample_rate:
        wave = soxr.resample(wave, rate, sample_rate, "HQ")
    if not len(wave):
        raise _Unusable("holds no samples")
    return np.clip(np.rint(wave * 32768), -32768, 32767).astype("<i2")

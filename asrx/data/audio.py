"""Sound as the waveform store keeps it: decoded, mixed to mono, resampled, rounded to 16 bits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from asrx.data.store import NONE, digest
from asrx.sound.headers import SLACK
from asrx.sound.recording import BLOCK, Recording, Unusable
from asrx.types import Decoded, Utterance

LOUDEST = 2.0  # floats may overshoot full scale by 6 dB, and are clipped; what is louder has another scale
CANCELLED = 1e-3  # share of the channels' mean energy; no two microphones lose 30 dB when they are mixed


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

    def decode(self, path: str, utterances: Sequence[Utterance]) -> Iterator[Decoded]:
        """The utterances of one file, opened once."""
        try:
            recording = Recording(path)
        except Unusable as error:
            broken = Decoded(NONE, digest(), str(error))
            yield from (broken for _ in utterances)
            return
        with recording:
            for utterance in utterances:
                try:
                    yield _piece(recording, utterance.offset, utterance.duration, self.sample_rate)
                except Unusable as error:
                    yield Decoded(NONE, digest(), str(error))
                except Exception as error:  # whatever a strange piece provokes belongs in the list of bad audio
                    yield Decoded(NONE, digest(), f"cannot be read: {error}")


def _piece(recording: Recording, offset: float, duration: float | None, sample_rate: int) -> Decoded:
    """One piece (`offset` and `duration` in seconds) of a recording, mono int16 at `sample_rate`."""
    rate, frames, length = recording.rate, recording.frames, recording.seconds
    if offset < 0 or (duration or 0) < 0:
        raise Unusable(f"offset {offset:g} s and duration {duration} s must not be negative")
    start = round(offset * rate)
    if start >= frames:
        raise Unusable(f"offset {offset:g} s lies past the end ({length:g} s)")
    count = frames - start if duration is None else round(duration * rate)
    if start + count > frames + SLACK * rate:
        raise Unusable(f"offset {offset:g} s and duration {duration:g} s run past the end ({length:g} s)")
    wave_T = _mono(recording, start, min(count, frames - start))
    stored_T = as_stored(wave_T, rate, sample_rate)
    if not len(stored_T):
        raise Unusable("holds no samples")
    own = (wave_T[at : at + BLOCK] for at in range(0, len(wave_T), BLOCK))
    source = digest(stored_T) if rate == sample_rate else digest(*(as_stored(part_T, rate, rate) for part_T in own))
    return Decoded(stored_T, source)


def as_stored(wave_T: np.ndarray, rate: int, sample_rate: int) -> np.ndarray:
    """Floats in [-1, 1] at `rate` Hz as they lie in the store: int16 at `sample_rate` Hz."""
    import soxr

    if rate != sample_rate:
        wave_T = soxr.resample(wave_T, rate, sample_rate, "HQ")
    return np.clip(np.rint(wave_T * 32768), -32768, 32767).astype("<i2")


def _mono(recording: Recording, start: int, count: int) -> np.ndarray:
    """The mean of the channels, float32 (T,)."""
    mixed, peak, energy = [np.empty(0, np.float32)], 0.0, 0.0
    for block in recording.blocks(start, count):
        peak = max(peak, float(block.max()), -float(block.min()))
        if recording.channels == 1:
            mixed.append(block[:, 0])
        else:
            mixed.append(sum(block.T) / recording.channels)
            energy += float(np.square(block, dtype=np.float64).mean(axis=1).sum())
    wave = np.concatenate(mixed)
    if peak > LOUDEST:
        raise Unusable(f"holds samples of up to {peak:g}, where full scale is 1: divide them, or write 16-bit integers")
    if energy and float(np.square(wave).sum(dtype=np.float64)) < CANCELLED * energy:
        raise Unusable("its channels cancel each other (opposite phase): keep one of them")
    return wave

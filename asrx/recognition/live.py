"""Sound that is not over yet: a microphone, standard input, a file that somebody still writes."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from struct import unpack

import numpy as np

from asrx.types import UserError

LOOK = 0.05  # s between two looks at a file that grows
INTEGERS, EXTENSIBLE = (
    1,
    0xFFFE,
)  # of WAV's formats, the one for samples that are whole numbers, and the one that says more


def microphone(rate: int, chunk: float) -> Iterator[np.ndarray]:
    """What the default microphone hears, without end: int16 at `rate` Hz, `chunk` seconds at a time.

    Raises:
        UserError: there is no microphone, or nothing to ask it with.
    """
    try:
        import sounddevice
    except (ImportError, OSError) as error:  # OSError where PortAudio is missing
        raise UserError(
            f"the microphone cannot be heard ({error}): install asrx[microphone] and PortAudio (apt-get install "
            "libportaudio2), or pipe it, arecord -q -f S16_LE -r 16000 -c 1 -t raw | asrx stream RUN -."
        ) from error
    size = round(chunk * rate)
    try:
        with sounddevice.RawInputStream(samplerate=rate, channels=1, dtype="int16", blocksize=size) as device:
            while True:
                yield np.frombuffer(bytes(device.read(size)[0]), "<i2")
    except sounddevice.PortAudioError as error:
        raise UserError(f"the microphone cannot be heard ({error}): connect one, or name a file.") from error


def standard_input(rate: int, chunk: float, given: int) -> Iterator[np.ndarray]:
    """Standard input, 16 bits and one channel at `given` Hz, as it arrives: int16 at `rate` Hz.

    Raises:
        UserError: it begins like a WAV.
    """
    size = 2 * round(chunk * given)
    first = sys.stdin.buffer.read1(size)
    if first.startswith(b"RIFF"):
        raise UserError("Standard input is a WAV, and - takes bare samples: leave out its header (arecord -t raw).")
    return _samples(chain([first] if first else [], iter(lambda: sys.stdin.buffer.read1(size), b"")), 1, given, rate)


def growing(path: Path, rate: int, chunk: float, patience: float) -> Iterator[np.ndarray]:
    """A WAV of 16 bits from its beginning, and what is written to it, until nothing comes for `patience` seconds: int16
    at `rate` Hz, `chunk` seconds at most at a time. The sizes in its header, which are not true yet, do not count.

    Raises:
        UserError: it cannot be opened, or is no such file.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}: name a WAV that is being written.") from error
    with file:
        channels, given = _header(file, path, patience)
        yield from _samples(_grown(file, 2 * channels * round(chunk * given), patience), channels, given, rate)


def until_interrupted(chunks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Ctrl-C ends the sound, and not what is still to be said of it. In the main thread."""
    stopped = waits = False

    def stop(*_) -> None:
        nonlocal stopped
        stopped = True
        if waits:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        while not stopped:
            waits = True
            try:
                wave_T = next(chunks, None)
            except KeyboardInterrupt:
                return
            finally:
                waits = False
            if wave_T is None:
                return
            yield wave_T
    finally:
        signal.signal(signal.SIGINT, before)


def _grown(file, size: int, patience: float) -> Iterator[bytes]:
    waited = 0.0
    while waited < patience:
        if part := file.read(size):
            waited = 0.0
            yield part
        else:
            time.sleep(LOOK)
            waited += LOOK


def _header(file, path: Path, patience: float) -> tuple[int, int]:
    """Channels and rate; the file is left where its samples begin (https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html)."""
    parts = _grown(file, 1, patience)

    def read(n: int) -> bytes:
        return b"".join(part for _, part in zip(range(n), parts, strict=False))

    start, found = read(12), None
    while start[:4] == b"RIFF" and start[8:] == b"WAVE" and len(head := read(8)) == 8:
        name, size = unpack("<4sI", head)
        if name == b"data":
            break
        content = read(size + size % 2)
        if name == b"fmt " and len(content) >= 16:
            kind, channels, given, _, _, bits = unpack("<HHIIHH", content[:16])
            found = (channels, given) if kind in (INTEGERS, EXTENSIBLE) and bits == 16 else None
    else:
        found = None  # it ends before its samples
    if not found or not all(found):
        raise UserError(f"{path} is no WAV of 16 bits that is being written: give such a file.")
    return found


def _samples(parts: Iterable[bytes], channels: int, given: int, rate: int) -> Iterator[np.ndarray]:
    """Bytes, cut anywhere, to the mean over the channels at another rate."""
    import soxr

    resampler = soxr.ResampleStream(given, rate, 1, "int16") if given != rate else None
    left = b""
    for part in parts:
        held = left + part
        whole = len(held) // (2 * channels) * (2 * channels)
        left = held[whole:]
        wave_T = np.frombuffer(held[:whole], "<i2").reshape(-1, channels).mean(1).round().astype("int16")
        yield resampler.resample_chunk(wave_T) if resampler else wave_T
    if resampler:
        yield resampler.resample_chunk(np.zeros(0, "int16"), last=True)

"""A sound file, opened once and read piece by piece."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import numpy as np

from asrx.sound.headers import SLACK, UNKNOWN, damage

BLOCK = 1 << 18  # frames that are decoded at a time: memory does not trust a header
RATES = (1000, 1_000_000)  # Hz; a header that says otherwise is broken, and resampling by it would fill the memory


class Unusable(Exception):
    """Why a recording, or a piece of it, cannot be used."""


class Recording:
    """A sound file, whatever libsndfile reads, that is what its header says.

    Args:
        path: of the file.

    Attributes:
        rate: in Hz.
        channels: how many.
        frames: samples of each channel; counted where the header does not say it.

    Raises:
        Unusable: it cannot be read, is cut off or damaged, or holds no samples.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = os.fsencode(path)  # soundfile would refuse a name that is not UTF-8
        self._file, self._at = self._tried(self._open), 0
        self.rate, self.channels, self.frames = self._file.samplerate, self._file.channels, self._file.frames
        try:
            if not RATES[0] <= self.rate <= RATES[1]:
                raise Unusable(f"cannot be read: its header says {self.rate} Hz")
            if lack := self._tried(damage, self.path, self._file):
                raise Unusable(f"cannot be read: {lack}")
            if self.frames == UNKNOWN:
                self.frames = sum(map(len, self.blocks(0, UNKNOWN)))
            if not self.frames:
                raise Unusable("holds no samples")
        except Unusable:
            self._file.close()
            raise

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self._file.close()

    @property
    def seconds(self) -> float:
        return self.frames / self.rate

    def blocks(self, start: int, count: int) -> Iterator[np.ndarray]:
        """The samples from a frame on, float32 (T, channels), block after block; together `count` or, where the file
        breaks off within `SLACK`, fewer.

        Raises:
            Unusable: it breaks off before that, or holds what is not a number.
        """
        self._tried(self._go_to, start)
        end = start
        while end < start + count:
            block = self._tried(self._file.read, min(BLOCK, start + count - end), "float32", always_2d=True)
            if not len(block):
                break
            if not np.isfinite(block).all():
                raise Unusable("holds samples that are not finite numbers")
            end = self._at = end + len(block)
            yield block
        if end + SLACK * self.rate < start + count < UNKNOWN:
            raise Unusable(f"cannot be read: breaks off {end / self.rate:g} s into {self.seconds:g} s")

    def _open(self) -> Any:
        import soundfile

        class FrontToBack(soundfile.SoundFile):
            """One that cannot be, or is not, sought in: GSM and its like, and a FLAC that does not state its length."""

            def seekable(self) -> bool:
                return False

        file = soundfile.SoundFile(self.path)
        if file.seekable() and file.frames < UNKNOWN:
            return file
        file.close()
        return FrontToBack(self.path)

    def _go_to(self, start: int) -> None:
        if self._file.seekable():
            self._file.seek(start)
            return
        if start < self._at:
            self._file.close()
            self._file, self._at = self._open(), 0
        while self._at < start:
            passed = len(self._file.read(min(BLOCK, start - self._at), "float32"))
            if not passed:
                raise Unusable(f"breaks off {self._at / self.rate:g} s into {self.seconds:g} s")
            self._at += passed

    def _tried(self, work: Any, *arguments: Any, **named: Any) -> Any:
        """What libsndfile makes of a file; whatever a broken one provokes is why it is unusable."""
        try:
            return work(*arguments, **named)
        except Exception as error:
            raise Unusable(f"cannot be read: {_reason(self.path, error)}") from error


def _reason(path: bytes, error: Exception) -> str:
    try:
        open(path, "rb").close()  # libsndfile says "System error" where the operating system says what
    except OSError as refusal:
        return refusal.strerror
    return getattr(error, "error_string", str(error)).rstrip(".")

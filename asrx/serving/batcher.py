"""Requests of many clients, answered side by side."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future

from asrx.recognition.answers import Transcript
from asrx.recognition.recognizer import Recognizer
from asrx.recognition.sources import Recording

WAIT = 0.02  # s that the first of a batch waits for others
MOST = 32  # recordings in a batch: the ones that came first do not wait for everyone who comes later


class Full(Exception):
    """So many recordings wait already that no other is taken."""


class Batcher:
    """Recordings that are answered whole, many at a time, and long ones, which have to be cut first, one after another
    beside them: nobody waits for somebody else's ten minutes.

    Args:
        recognizer: what answers.
        most: recordings of each kind that may wait.
    """

    def __init__(self, recognizer: Recognizer, most: int):
        self.longest = recognizer.longest * recognizer.sample_rate
        self.short, self.long = Lane(recognizer, most, MOST), Lane(recognizer, most, 1)

    def submit(self, recording: Recording) -> Future[Transcript]:
        """The transcript to come.

        Raises:
            Full: see there.
        """
        return (self.long if len(recording.wave_T) > self.longest else self.short).submit(recording)

    def count(self) -> int:
        """How many recordings wait."""
        return self.short.waiting.qsize() + self.long.waiting.qsize()

    def is_alive(self) -> bool:
        """Whether it answers."""
        return self.short.thread.is_alive() and self.long.thread.is_alive()

    def close(self) -> None:
        """Answer what waits, and end."""
        self.short.close()
        self.long.close()


class Lane:
    """A thread that answers what waits, together. An answer does not depend on what it was computed beside.

    Args:
        recognizer: what answers.
        most: recordings that may wait.
        together: recordings in a batch, at most.
    """

    def __init__(self, recognizer: Recognizer, most: int, together: int):
        self.recognizer, self.together = recognizer, together
        self.waiting: queue.Queue[tuple[Recording, Future[Transcript]] | None] = queue.Queue(most)
        self.thread = threading.Thread(target=self._work, name="asrx batcher", daemon=True)
        self.thread.start()

    def submit(self, recording: Recording) -> Future[Transcript]:
        """The transcript to come.

        Raises:
            Full: see there.
        """
        answer: Future[Transcript] = Future()
        try:
            self.waiting.put_nowait((recording, answer))
        except queue.Full:
            raise Full from None
        return answer

    def close(self) -> None:
        """Answer what waits, and end."""
        self.waiting.put(None)
        self.thread.join()

    def _work(self) -> None:
        while (first := self.waiting.get()) is not None:
            batch, last, until = [first], False, time.monotonic() + WAIT
            while not last and len(batch) < self.together:
                try:
                    item = self.waiting.get(timeout=max(until - time.monotonic(), 0))
                except queue.Empty:
                    break
                last = item is None
                batch += [item] if item else []
            self._answer([item for item in batch if item[1].set_running_or_notify_cancel()])
            if last:
                return

    def _answer(self, batch: list[tuple[Recording, Future[Transcript]]]) -> None:
        try:
            found = list(self.recognizer.transcripts(recording for recording, _ in batch))
        except Exception as error:  # whatever it is, it is the clients' to know, and the thread goes on
            for _, answer in batch:
                answer.set_exception(error)
            return
        for (_, answer), transcript in zip(batch, found, strict=True):
            answer.set_result(transcript)

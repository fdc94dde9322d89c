from __future__ import annotations

import threading

import numpy as np

from asrx.recognition.answers import Transcript
from asrx.recognition.sources import Recording
from asrx.serving.batcher import Batcher


class Patient:
    """Answers long recordings once it may."""

    sample_rate, longest = 100, 20.0

    def __init__(self):
        self.may = threading.Event()

    def transcripts(self, recordings):
        for recording in recordings:
            seconds = len(recording.wave_T) / self.sample_rate
            assert seconds <= self.longest or self.may.wait(10)
            yield Transcript("", seconds, [])


def test_who_is_short_does_not_wait_for_who_is_long():
    recognizer = Patient()
    batcher = Batcher(recognizer, 4)
    answers = [batcher.submit(Recording("", np.zeros(100 * seconds, "int16"))) for seconds in (600, 1, 20, 300)]
    assert [answers[i].result(10).duration for i in (1, 2)] == [1, 20]
    assert not answers[0].done() and batcher.is_alive()
    recognizer.may.set()
    assert [answers[i].result(10).duration for i in (0, 3)] == [600, 300]
    batcher.close()
    assert batcher.count() == 0 and not batcher.is_alive()

"""What recordings are like, and what is recognised in them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np

from asrx.recognition.answers import Transcript
from asrx.recognition.recognizer import Recognizer
from asrx.recognition.sources import Recording
from asrx.watching.quantities import quantities


def measured(recognizer: Recognizer, recordings: Iterable[Recording]) -> Iterator[tuple[Transcript, np.ndarray]]:
    """The transcript of each recording, in their order, and its quantities (see `quantities`)."""
    waves: deque[np.ndarray] = deque()

    def kept() -> Iterator[Recording]:
        for recording in recordings:
            waves.append(recording.wave_T)
            yield recording

    for transcript in recognizer.transcripts(kept()):
        wave_T = waves.popleft()
        yield transcript, quantities(wave_T, recognizer.sample_rate, transcript.text, transcript.confidence)

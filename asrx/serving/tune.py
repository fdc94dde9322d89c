"""How many streams and uploads this machine can serve with a model, and with which settings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from asrx.recognition.recognizer import Recognizer
from asrx.recognition.sources import Recording
from asrx.recognition.streaming import stream
from asrx.report.terminal import aligned

CHUNK = 0.1  # s of sound in a message of a stream
LATE = 0.3  # s, the answer to a chunk at p95 that still counts as immediate
SIMULATED = 60  # s of as many streams as are tried
BATCH = 32  # uploads at a time
MOST = 4096  # streams


class Measured(NamedTuple):
    """With so many threads: seconds of work for each chunk of a stream, the streams that can be served with that, and
    seconds of sound answered in a second of uploads."""

    threads: int
    chunks_N: np.ndarray
    streams: int
    rtfx: float


def tune(recognizer: Recognizer, waves: Sequence[torch.Tensor], cores: int) -> list[Measured]:
    """Measure on one thread and on all cores.

    Args:
        recognizer: of the model.
        waves: recordings, (T,) in [-1, 1] at the model's rate.
        cores: that may be used.
    """
    recordings = [Recording("", (wave_T * 32768).round().to(torch.int16).numpy()) for wave_T in waves]
    before, found = torch.get_num_threads(), []
    try:
        for threads in sorted({1, cores}):
            torch.set_num_threads(threads)
            chunks_N = _chunks(recognizer, recordings)
            found.append(Measured(threads, chunks_N, streams_held(chunks_N), _rtfx(recognizer, recordings)))
    finally:
        torch.set_num_threads(before)
    return found


def _chunks(recognizer: Recognizer, recordings: Sequence[Recording]) -> np.ndarray:
    """Seconds of work for each chunk of all recordings, one stream after the other; the first warms up."""
    times, size = [], round(CHUNK * recognizer.sample_rate)
    for recording in [recordings[0], *recordings]:
        listening, own = stream(recognizer), []
        for start in range(0, len(recording.wave_T), size):
            begun = time.perf_counter()
            listening.accept(recording.wave_T[start : start + size])
            own.append(time.perf_counter() - begun)
        listening.finish()
        times.append(own)
    return np.concatenate(times[1:])


def _rtfx(recognizer: Recognizer, recordings: Sequence[Recording]) -> float:
    batch = list(recordings[:BATCH])
    list(recognizer.transcripts(batch))
    begun = time.perf_counter()
    list(recognizer.transcripts(batch))
    return sum(len(r.wave_T) for r in batch) / recognizer.sample_rate / (time.perf_counter() - begun)


def streams_held(chunks_N: np.ndarray) -> int:
    """The most streams whose chunks are answered within `LATE` at p95, one after the other in the order in which they
    come; worked out from seconds of work, which are drawn for each chunk."""
    held, beyond = 0, 1
    while beyond <= MOST and _lateness(chunks_N, beyond) <= LATE:
        held, beyond = beyond, 2 * beyond
    while beyond - held > 1:
        middle = (held + beyond) // 2
        held, beyond = (middle, beyond) if _lateness(chunks_N, middle) <= LATE else (held, middle)
    return held


def _lateness(chunks_N: np.ndarray, streams: int) -> float:
    """Seconds from a chunk to its answer, at p95."""
    n = round(SIMULATED / CHUNK) * streams
    comes_N = np.arange(n) * (CHUNK / streams)
    work_N = np.random.default_rng(0).choice(chunks_N, n)
    done_N = np.cumsum(work_N)
    # the core is idle where a chunk comes after all before it are done
    done_N += np.maximum.accumulate(comes_N - (done_N - work_N))
    return float(np.percentile(done_N - comes_N, 95))


def table(measured: Sequence[Measured], measured_on: str) -> str:
    """What the terminal is told: the figures, the best settings, and what a thousand streams need."""
    head = ["threads", "ms a chunk", "at p95", "streams", "uploads, RTFx"]
    lines = [head]
    for one in measured:
        half, most = 1000 * np.percentile(one.chunks_N, [50, 95])
        lines.append([str(one.threads), f"{half:.1f}", f"{most:.1f}", str(one.streams), f"{one.rtfx:.0f}"])
    best = max(measured, key=lambda one: (one.streams / one.threads, one.rtfx))
    return "\n".join(
        [
            aligned(lines, 0),
            f"Measured on {measured_on}, {1000 * CHUNK:g} ms a chunk. Streams: that are answered within "
            f"{1000 * LATE:g} ms at p95, worked out from the work for single chunks. RTFx: {BATCH} uploads at a time.",
            f"--threads {best.threads} --max-streams {max(best.streams, 1)}"
            + (
                f": a thousand streams take {-(-1000 * best.threads // best.streams)} cores."
                if best.streams
                else ": not even one stream is answered in time."
            ),
        ]
    )

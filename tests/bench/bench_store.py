"""How fast the waveform store is built, opened and read, against the plainest alternatives, in one run.

    python tests/bench/bench_store.py [folder with wav or flac files]

Every figure is the best of several alternating runs, as other work on the machine only ever adds time.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import soxr

from asrx.data import store as module
from asrx.data.audio import Audio
from asrx.data.store import Store, build
from asrx.types import Utterance

RATE = 16000
DATA = Path(__file__).parents[3] / "shared" / "data"


def best(rounds: int, **works: Callable[[], object]) -> dict[str, float]:
    """Shortest seconds of each, run in turn."""
    times = {name: float("inf") for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            times[name] = min(times[name], time.perf_counter() - start)
    return times


def naive(utterances: list[Utterance]) -> list[np.ndarray]:
    waves = []
    for u in utterances:
        wave, rate = soundfile.read(u.audio, dtype="float32", always_2d=True)
        waves.append(soxr.resample(wave.mean(axis=1), rate, RATE, "HQ"))
    return waves


def take(store: Store, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`Store.gather` without a loop."""
    lengths, time_T = store.lengths[index], np.arange(store.lengths[index].max())
    wave_BT = store._waves.take(store._offsets[index][:, None] + time_T, mode="clip").astype(np.float32)
    wave_BT *= np.float32(1 / 32768)
    wave_BT[time_T >= lengths[:, None]] = 0
    return wave_BT, lengths


def building(folder: Path) -> None:
    utterances = [Utterance(p.stem, str(p), "") for p in sorted(folder.rglob("*")) if p.suffix in (".wav", ".flac")]
    with tempfile.TemporaryDirectory() as scratch:

        def fresh():
            return build(utterances, Audio(RATE), Path(tempfile.mkdtemp(dir=scratch)))

        hours = sum(fresh().lengths) / RATE / 3600
        times = best(3, built=fresh, naive=lambda: naive(utterances))
        kept = Path(scratch) / "kept"
        build(utterances, Audio(RATE), kept)
        times |= best(5, found=lambda: build(utterances, Audio(RATE), kept))
    print(
        f"{folder.name}: {len(utterances)} files, {hours:.2f} h: naive loop {times['naive']:.2f} s, "
        f"build {times['built']:.2f} s ({times['naive'] / times['built']:.2f} x as fast), "
        f"found again in {1e3 * times['found']:.1f} ms ({times['built'] / times['found']:.0f} x)"
    )


def gathering() -> None:
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "noise.wav"
        soundfile.write(path, rng.uniform(-1, 1, 600 * RATE), RATE)
        for seconds in (1, 4, 16):
            pieces = [
                Utterance("", str(path), "", offset=rng.uniform(0, 580), duration=seconds * rng.uniform(0.8, 1))
                for _ in range(256)
            ]
            store = build(pieces, Audio(RATE), Path(scratch))
            for size in (16, 64):
                index = rng.permutation(len(store))[:size]
                np.testing.assert_array_equal(take(store, index)[0], store.gather(index)[0])
                times = best(20, take=lambda i=index, s=store: take(s, i), gather=lambda i=index, s=store: s.gather(i))
                print(
                    f"gather B={size} T={seconds} s: {1e3 * times['gather']:.2f} ms, "
                    f"np.take {1e3 * times['take']:.2f} ms ({times['take'] / times['gather']:.1f} x)"
                )


if __name__ == "__main__":
    print(f"{os.cpu_count()} cores, {module.THREADS} threads, load {os.getloadavg()[0]:.1f}")
    for folder in map(Path, sys.argv[1:] or [DATA / "fsdd", DATA / "an4", DATA / "speech_commands_12"]):
        building(folder)
    gathering()

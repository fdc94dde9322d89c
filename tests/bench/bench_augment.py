"""How fast the nine-fold training set of document 004 is made, against librosa, in one process.

    python tests/bench/bench_augment.py [folder of FSDD] [number of files]

Three rates by three pitches, stretched first, at 22,050 Hz, windows of 2,048 samples that move on by 512 on both sides,
as many threads as OMP_NUM_THREADS says. asrx: the stages of experiments/digits_mel_9x.yaml, from a store that holds the
recordings to stores that hold the copies. librosa, in memory: as the document has it, a stretch and a shift for each of
the nine; and once more at its best, where nothing is done twice, and neither a rate of 1 nor a shift of 0 is computed.

The last line stretches and shifts a sine and measures what comes out, which should have the asked pitch and length.
"""

from __future__ import annotations

import sys
import tempfile
import time
from itertools import product
from math import log2
from pathlib import Path

import librosa
import numpy as np
import torch
from omegaconf import OmegaConf

from asrx.augment.pitch_shift import PitchShift
from asrx.augment.time_stretch import TimeStretch
from asrx.config.build import build
from asrx.config.compose import compose
from asrx.data.audio import Audio
from asrx.data.copies import Offline, augmented
from asrx.data.store import Store
from asrx.data.store import build as build_store
from asrx.types import Corpus

RATE, WINDOW = 22050, 2048 / 22050
RATES, SEMITONES = (0.7, 1.0, 1.3), (-1, 0, 1)
DATA = Path(__file__).parents[3] / "shared" / "data" / "fsdd"


def by_librosa(waves: list[np.ndarray]) -> None:
    for wave, rate, semitones in product(waves, RATES, SEMITONES):
        librosa.effects.pitch_shift(librosa.effects.time_stretch(wave, rate=rate), sr=RATE, n_steps=semitones)


def by_librosa_at_its_best(waves: list[np.ndarray]) -> None:
    for wave, rate in product(waves, RATES):
        stretched = wave if rate == 1 else librosa.effects.time_stretch(wave, rate=rate)
        for semitones in (-1, 1):
            librosa.effects.pitch_shift(stretched, sr=RATE, n_steps=semitones)


def by_asrx(store: Store, offline: Offline, cache: Path) -> None:
    for chain in offline.chains():
        augmented(store, chain, offline.seed, cache)


def seconds(work, *arguments) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def pitch(wave: np.ndarray) -> float:
    """Frequency of the highest peak of the spectrum in Hz, between the bins by a parabola through the logarithms."""
    level = np.log(np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 2**18)))
    i = int(level[1:-1].argmax()) + 1
    left, top, right = level[i - 1 : i + 2]
    return (i + (left - right) / (left - 2 * top + right) / 2) * RATE / 2**18


def errors() -> tuple[float, int]:
    """Largest error of the pitch of a sine in cents, and of its length in samples."""
    sine = torch.sin(2 * torch.pi * 440 * torch.arange(RATE) / RATE)
    cents, samples = 0.0, 0
    for rate, semitones in product(RATES, SEMITONES):
        stretch, shift = TimeStretch(RATE, [rate], WINDOW), PitchShift(RATE, [semitones], WINDOW)
        wave_BT, lengths_B = shift(*stretch(sine[None], torch.tensor([RATE])))
        cents = max(cents, abs(1200 * log2(pitch(wave_BT[0].numpy()) / 440) - 100 * semitones))
        samples = max(samples, abs(int(lengths_B[0]) - round(RATE / rate)))
    return cents, samples


if __name__ == "__main__":
    folder, count = [*sys.argv[1:], *[DATA, 2000][len(sys.argv) - 1 :]]
    cfg = compose(["experiments=digits_mel_9x", f"dataset.root={folder}"])
    offline = Offline(**OmegaConf.to_container(cfg.augment.offline, resolve=True))
    recordings = build(cfg.dataset.corpus, Corpus).prepare()
    with tempfile.TemporaryDirectory() as cache:
        store = build_store(recordings[:: max(1, len(recordings) // int(count))], Audio(RATE), Path(cache))
        waves = [store.gather(np.array([i]))[0][0] for i in range(len(store))]
        by_librosa(waves[:8])  # what is compiled or planned on first use
        by_asrx(store.take(np.arange(8)), offline, Path(cache))
        ours = seconds(by_asrx, store, offline, Path(cache))
    theirs, best = seconds(by_librosa, waves), seconds(by_librosa_at_its_best, waves)
    size = f"{len(waves)} files, {sum(map(len, waves)) / RATE:.0f} s, {torch.get_num_threads()} threads"
    slower = f"librosa {theirs:.1f} s ({theirs / ours:.1f} x), at its best {best:.1f} s ({best / ours:.1f} x)"
    print(f"{size}: asrx {ours:.1f} s; {slower}")
    cents, samples = errors()
    print(f"a sine's pitch is off by up to {cents:.2f} cents, its length by up to {samples} samples")

"""How fast recordings are stretched and shifted in batches, against librosa, in one process.

    python tests/bench/bench_augment.py [folder of FSDD] [number of files]

The nine copies of each recording that published work on FSDD trains on: three rates by three pitches, stretched first,
at 22,050 Hz. Both sides use windows of 2,048 samples that move on by 512, and as many threads as OMP_NUM_THREADS says.
A rate of 1 and a shift of 0 go through librosa's vocoder as well, as they did there; the second ratio leaves them out.
Every figure is the best of several alternating runs, as other work on the machine only ever adds time.

The last line stretches and shifts a sine and measures what comes out, which should have the asked pitch and length.
"""

from __future__ import annotations

import sys
import time
from itertools import product
from math import log2
from pathlib import Path

import librosa
import numpy as np
import soundfile
import soxr
import torch

from asrx.augment.pitch_shift import PitchShift
from asrx.augment.time_stretch import TimeStretch

RATE, WINDOW = 22050, 2048 / 22050
RATES, SEMITONES = (0.7, 1.0, 1.3), (-1, 0, 1)
BATCH, ROUNDS = 8, 3
DATA = Path(__file__).parents[3] / "shared" / "data" / "fsdd"


def read(folder: Path, count: int) -> list[np.ndarray]:
    """So many recordings, taken evenly from the folder, the shortest first."""
    paths = sorted(folder.rglob("*.wav"))
    waves = [soundfile.read(path, dtype="float32") for path in paths[:: max(1, len(paths) // count)][:count]]
    return sorted((soxr.resample(wave, rate, RATE) for wave, rate in waves), key=len)


def one_by_one(waves: list[np.ndarray], rate: float, semitones: int) -> list[np.ndarray]:
    stretched = [librosa.effects.time_stretch(wave, rate=rate) for wave in waves]
    return [librosa.effects.pitch_shift(wave, sr=RATE, n_steps=semitones) for wave in stretched]


def batched(waves: list[np.ndarray], rate: float, semitones: int) -> list[np.ndarray]:
    stretch, shift = TimeStretch(RATE, [rate], WINDOW), PitchShift(RATE, [semitones], WINDOW)
    done = []
    for first in range(0, len(waves), BATCH):
        batch = [torch.from_numpy(wave) for wave in waves[first : first + BATCH]]
        wave_BT = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True)
        wave_BT, lengths_B = shift(*stretch(wave_BT, torch.tensor([len(wave) for wave in batch])))
        done += [wave[:n].numpy() for wave, n in zip(wave_BT, lengths_B.tolist(), strict=True)]
    return done


def seconds(work, waves: list[np.ndarray], rate: float, semitones: int) -> float:
    start = time.perf_counter()
    work(waves, rate, semitones)
    return time.perf_counter() - start


def pitch(wave: np.ndarray) -> float:
    """Frequency of the highest peak of the spectrum in Hz, between the bins by a parabola through the logarithms."""
    level = np.log(np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 2**18)))
    i = int(level[1:-1].argmax()) + 1
    left, top, right = level[i - 1 : i + 2]
    return (i + (left - right) / (left - 2 * top + right) / 2) * RATE / 2**18


def errors(work) -> tuple[float, int]:
    """Largest error of the pitch of a sine in cents, and of its length in samples."""
    sine = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    cents, samples = 0.0, 0
    for rate, semitones in product(RATES, SEMITONES):
        (wave,) = work([sine], rate, semitones)
        cents = max(cents, abs(1200 * log2(pitch(wave) / 440) - 100 * semitones))
        samples = max(samples, abs(len(wave) - round(RATE / rate)))
    return cents, samples


if __name__ == "__main__":
    folder, count = [*sys.argv[1:], *[DATA, 200][len(sys.argv) - 1 :]]
    waves = read(Path(folder), int(count))
    for work in (one_by_one, batched):  # what is compiled or planned on first use
        work(waves[-BATCH:], 0.7, 1)
    theirs, ours = (dict.fromkeys(product(RATES, SEMITONES), float("inf")) for _ in range(2))
    for _, change in product(range(ROUNDS), theirs):
        theirs[change] = min(theirs[change], seconds(one_by_one, waves, *change))
        ours[change] = min(ours[change], seconds(batched, waves, *change))
    both = [(rate, semitones) for rate, semitones in theirs if rate != 1 and semitones != 0]
    for name, changes in (("9 copies", theirs), ("the 4 stretched and shifted", both)):
        librosa_s, asrx_s = sum(map(theirs.get, changes)), sum(map(ours.get, changes))
        print(
            f"{len(waves)} files, {sum(map(len, waves)) / RATE:.0f} s, {torch.get_num_threads()} threads, {name}: "
            f"librosa {librosa_s:.2f} s, batches of {BATCH} {asrx_s:.2f} s ({librosa_s / asrx_s:.1f} x as fast)"
        )
    (their_cents, their_samples), (our_cents, our_samples) = errors(one_by_one), errors(batched)
    print(
        f"a sine's pitch is off by up to {their_cents:.2f} (librosa) and {our_cents:.2f} cents, "
        f"its length by up to {their_samples} and {our_samples} samples"
    )

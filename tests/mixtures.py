"""Mixtures of tones, and what is trained on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from corpus import RATE, sentences, write_manifest

FAST = ["trainer=cpu", "trainer.max_epochs=1", "trainer.enable_progress_bar=false"]
UNET = ["model=unet", "model.encoder.channels=[4,8]", "model.encoder.n_fft=64", "features=raw", *FAST]


def write_noises(folder: Path) -> list[str]:
    """Overrides that choose noises for training that are above zero throughout, and others for the test, below it."""
    for name, sign in (("own", 1.0), ("held_out", -1.0)):
        (folder / name).mkdir()
        noise_T = sign * np.random.default_rng(0).uniform(0.1, 0.5, 3 * RATE)
        soundfile.write(folder / name / "noise.wav", noise_T, RATE, subtype="FLOAT")
    return [f"dataset.noises={folder / 'own'}", f"dataset.test_noises={folder / 'held_out'}"]


def write_speech(folder: Path) -> list[str]:
    """Overrides that choose mixtures of tones: three speakers in each part."""
    parts = {"train": (12, 1), "val": (6, 2), "test": (6, 3)}
    paths = {name: write_manifest(folder, sentences(count, seed), name, seed) for name, (count, seed) in parts.items()}
    files = ", ".join(f"{name}: {path}" for name, path in paths.items())
    part = f"{{tones: {{dataset: manifest, sample_rate: {RATE}, {files}}}}}"
    return ["dataset=mixtures", f"dataset.parts={part}", f"dataset.sample_rate={RATE}", f"data_dir={folder}/data"]

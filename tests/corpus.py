"""A tiny corpus made of tones: each letter is a pitch, so a small model can learn to read it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile

RATE = 8000
LETTERS = {"a": 300.0, "b": 600.0, "c": 1200.0, "d": 2400.0}


def tone_word(text: str, rng: np.random.Generator) -> np.ndarray:
    """One tone of 120 ms for each letter, silence for a space, a little noise."""
    time = np.arange(int(0.12 * RATE)) / RATE
    pieces = [np.sin(2 * np.pi * LETTERS[c] * time) * np.hanning(len(time)) if c != " " else 0 * time for c in text]
    wave = 0.5 * np.concatenate(pieces)
    return wave + 0.003 * rng.standard_normal(len(wave))


def write_manifest(folder: Path, texts: list[str], name: str, seed: int = 0) -> Path:
    """Speak the texts into wav files and list them as NeMo does; three speakers take turns."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    with open(path, "w", encoding="utf-8") as file:
        for i, text in enumerate(texts):
            audio = f"{name}-{i}.wav"
            wave = tone_word(text, rng)
            soundfile.write(folder / audio, wave, RATE)
            row = {"audio_filepath": audio, "duration": len(wave) / RATE, "text": text, "speaker": f"{name}-{i % 3}"}
            file.write(json.dumps(row) + "\n")
    return path


def sentences(count: int, seed: int) -> list[str]:
    """Random texts over the four letters, one to five letters long."""
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list(LETTERS), rng.integers(1, 6))) for _ in range(count)]


def labels(count: int) -> list[str]:
    """Two letters in turn."""
    return ["ab"[i % 2] for i in range(count)]

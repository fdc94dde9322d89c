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
    rng = np.random.default_rng([seed, *name.encode()])  # no two parts share a recording
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


def _speak(path: Path, text: str, seconds: float, rng: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = np.zeros(int(seconds * RATE))
    tone = tone_word(text, rng)[: len(wave)]
    wave[: len(tone)] = tone
    soundfile.write(path, wave + 0.003 * rng.standard_normal(len(wave)), RATE)


def digits(root: Path) -> None:
    """The layout of the Free Spoken Digit Dataset: four speakers, three recordings of each digit."""
    rng = np.random.default_rng(0)
    for digit in range(10):
        for speaker in ("jackson", "nicolas", "theo", "yweweler"):
            for index in range(3):
                _speak(root / f"{digit}_{speaker}_{index}.wav", "abcd"[digit % 4] * (1 + digit // 4), 0.3, rng)


def words(root: Path) -> None:
    """The layout of Speech Commands without its lists: three words, ten speakers."""
    rng = np.random.default_rng(0)
    for text, word in zip("abc", ("no", "stop", "yes"), strict=True):
        for speaker in range(10):
            _speak(root / word / f"{speaker:08x}_nohash_0.wav", text, 0.9, rng)


def spelling(root: Path) -> None:
    """The layout of AN4: twelve speakers, four utterances each."""
    rng = np.random.default_rng(0)
    files, lines = [], []
    for speaker in range(12):
        for number, text in enumerate(sentences(4, speaker)):
            name = f"s{speaker}-{number}"
            files.append(f"an4_clstk/s{speaker}/{name}")
            lines.append(f"<s> {text.upper()} </s> ({name})")
            _speak(root / "wav" / f"{files[-1]}.wav", text, 2.0, rng)
    (root / "etc").mkdir()
    (root / "etc" / "an4_train.fileids").write_text("\n".join(files) + "\n")
    (root / "etc" / "an4_train.transcription").write_text("\n".join(lines) + "\n")


def pictures(root: Path) -> None:
    """A folder of grey spectrogram images with a test part: two classes."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for part, count in (("train", 20), ("test", 6)):
        for label in ("left", "right"):
            (root / part / label).mkdir(parents=True)
            for number in range(count):
                Image.fromarray(rng.integers(0, 255, (98, 50), np.uint8)).save(root / part / label / f"{number}.png")


MINIATURES = {"FSDD": digits, "SpeechCommands": words, "AN4": spelling, "ImageFolder": pictures}

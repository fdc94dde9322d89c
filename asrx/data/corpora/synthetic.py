"""The embedded corpus: phrases of digits and command words, spoken by espeak-ng.

It is for trying asrx out and for tests, not for conclusions about human speech. espeak-ng is GPLv3 and is imported by
this file alone, from the optional `espeakng-loader` wheel (`pip install asrx[synthetic]`).
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import multiprocessing
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asrx.types import Corpus, UserError, Utterance

WORDS = tuple("zero one two three four five six seven eight nine yes no up down left right on off stop go".split())
ACCENTS = ("en", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-us-nyc")
# the same words in Arabic, written from right to left
ARABIC = tuple(
    "صفر واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة نعم لا فوق تحت يسار يمين تشغيل إيقاف قف انطلق".split()
)


class Language(NamedTuple):
    """espeak-ng's names of its accents, and the words that phrases are made of."""

    accents: tuple[str, ...]
    words: tuple[str, ...]


LANGUAGES = {"en": Language(ACCENTS, WORDS), "ar": Language(("ar",), ARABIC)}
# espeak-ng 1.52's voice variants, without the robots, whispers and effects.
VOICES = (
    "Alex Alicia Andrea Andy Annie Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario Michael Mike Nguyen "
    "Reed Storm adam anika announcer antonio aunty belinda benjamin boris caleb david ed edward edward2 f1 f2 f3 "
    "f4 f5 grandma grandpa gustave ian iven iven2 iven3 iven4 john klatt klatt2 klatt3 linda m1 m2 m3 m4 m5 m6 m7 "
    "m8 marcelo max michel miguel mike2 norbert pablo paul pedro quincy rob robert sandro shelby steph steph2 "
    "steph3 travis victor zac"
).split()
# The shares are fixed, not one per core: espeak-ng repeats itself byte for byte only from a fresh process.
SHARES = 4


@dataclass(frozen=True)
class Synthetic(Corpus):
    """Phrases of one to `max_words` words in 5 accents and 79 voices; the voices of the splits are disjoint.

    Args:
        cache: folder that holds the corpora made so far.
        train, val, test: number of phrases in each split.
        max_words: longest phrase.
        words: that phrases are drawn from; without any, those of the language.
        language: of `LANGUAGES`, or any other of espeak-ng's voices if it has words.
        voices_val, voices_test: how many of the 79 voices are kept for validation and for test.
        snr_db: lowest and highest signal-to-noise ratio of the white noise added to each phrase, in dB.
        seed: of phrases, voices, rates, pitches and noise. The same arguments give the same bytes.

    Raises:
        UserError: espeak-ng is not installed, or the language has no words.
    """

    cache: str
    train: int = 2800
    val: int = 150
    test: int = 300
    max_words: int = 3
    words: tuple[str, ...] = ()
    language: str = "en"
    voices_val: int = 8
    voices_test: int = 12
    snr_db: tuple[float, float] = (15.0, 40.0)
    seed: int = 0

    licence = "made on this machine by espeak-ng (the programme is GPLv3; its output is yours)"

    def prepare(self) -> list[Utterance]:
        """Make the corpus, or find it made, and list it."""
        plan = self._plan()
        recipe = json.dumps([_synthesizer(), SHARES, self.seed, [asdict(phrase) for phrase in plan]])
        root = Path(self.cache) / f"synthetic-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
        if not (root / "complete").exists():
            _make(root, plan, np.random.SeedSequence(self.seed).spawn(SHARES))
        return [replace(phrase.utterance, audio=str(root / phrase.utterance.audio)) for phrase in plan]

    def _plan(self) -> list[_Phrase]:
        if not self.words and self.language not in LANGUAGES:
            raise UserError(
                f"dataset.corpus.language={self.language} is none of {', '.join(LANGUAGES)}: name one, or give words, "
                "+dataset.corpus.words=[...]."
            )
        known = LANGUAGES.get(self.language, Language((self.language,), ()))
        words = list(self.words or known.words)
        rng = np.random.default_rng(self.seed)
        voices = list(rng.permutation(VOICES))
        test, val = voices[: self.voices_test], voices[self.voices_test :][: self.voices_val]
        train = voices[self.voices_test + self.voices_val :]
        plan = []
        for split, count, names in (("train", self.train, train), ("val", self.val, val), ("test", self.test, test)):
            for i in range(count):
                voice = names[i % len(names)]
                text = " ".join(rng.choice(words, size=rng.integers(1, self.max_words + 1)))
                name = f"{split}-{i:05d}"
                utterance = Utterance(name, f"{name}.wav", text, speaker=voice, split=split)
                snr = float(rng.uniform(*self.snr_db))
                plan.append(
                    _Phrase(
                        utterance,
                        str(rng.choice(known.accents)),
                        int(rng.integers(90, 161)),
                        int(rng.integers(30, 71)),
                        snr,
                    )
                )
        return plan


@dataclass(frozen=True)
class _Phrase:
    utterance: Utterance
    accent: str
    rate: int  # words per minute
    pitch: int  # 0 to 99, espeak-ng's scale
    snr_db: float


def _synthesizer() -> str:
    """The synthesiser's version: another espeak-ng makes another corpus."""
    from importlib import metadata

    try:
        return metadata.version("espeakng-loader")
    except metadata.PackageNotFoundError:
        raise UserError(
            "dataset=synthetic needs the speech synthesiser espeak-ng, which is not installed: "
            "pip install 'asrx[synthetic]', or choose another dataset (dataset=fsdd, dataset=folder ...)."
        ) from None


def _make(root: Path, plan: list[_Phrase], seeds: Iterable[np.random.SeedSequence]) -> None:
    from filelock import FileLock
    from tqdm import tqdm

    root.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{root}.lock"):
        if (root / "complete").exists():  # another process made it while this one waited
            return
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        shares = [(root, plan[i::SHARES], seed) for i, seed in enumerate(seeds)]
        # one fresh process a share: espeak-ng carries state from one phrase to the next
        pool = ProcessPoolExecutor(
            os.cpu_count(), mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
        )
        with pool, tqdm(total=len(plan), desc="Speaking the synthetic corpus", unit="phrase") as bar:
            for done in as_completed([pool.submit(_speak_share, *share) for share in shares]):
                bar.update(done.result())
        (root / "complete").touch()


def _speak_share(root: Path, phrases: list[_Phrase], seed: np.random.SeedSequence) -> int:
    import soundfile

    rng = np.random.default_rng(seed)
    speak, rate = _espeak()
    for phrase in phrases:
        wave = speak(phrase)
        power = np.mean(np.square(wave))
        wave = wave + rng.standard_normal(len(wave)) * np.sqrt(power / 10 ** (phrase.snr_db / 10))
        soundfile.write(root / phrase.utterance.audio, wave / max(1.0, np.abs(wave).max()), rate, subtype="PCM_16")
    return len(phrases)


def _espeak():
    """Load espeak-ng; answer a function from a phrase to a float64 waveform, and the sample rate in Hz."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    synchronous, utf8, rate_parameter, pitch_parameter = 2, 1, 1, 3  # names as in speak_lib.h
    rate = library.espeak_Initialize(synchronous, 0, espeakng_loader.get_data_path().encode(), 0)
    library.espeak_ng_SetRandSeed(1)
    pieces: list[np.ndarray] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    def collect(samples, count, _events):
        if samples and count:
            pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    library.espeak_SetSynthCallback(collect)

    def speak(phrase: _Phrase) -> np.ndarray:
        pieces.clear()
        voice = f"{phrase.accent}+{phrase.utterance.speaker}".encode()
        if library.espeak_SetVoiceByName(voice):
            raise RuntimeError(f"espeak-ng has no voice {voice.decode()}")
        library.espeak_SetParameter(rate_parameter, phrase.rate, 0)
        library.espeak_SetParameter(pitch_parameter, phrase.pitch, 0)
        text = phrase.utterance.text.encode()
        library.espeak_Synth(text, len(text) + 1, 0, 0, 0, utf8, None, None)
        return np.concatenate(pieces) / 32768.0

    speak.callback = collect  # ctypes keeps no reference to it
    return speak, rate

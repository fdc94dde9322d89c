"""The keyword task of Speech Commands: ten words, other words and silence (Warden 2018,
https://arxiv.org/abs/1804.03209, section 7.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from asrx.data.corpora.speech_commands import NOISE, SUFFIXES, SpeechCommands
from asrx.data.download import obtain
from asrx.sound.recording import Recording, Unusable
from asrx.types import Corpus, UserError, Utterance

WORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
UNKNOWN, SILENCE = "_unknown_", "_silence_"
TEST_URL = "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_test_set_v0.02.tar.gz"
TEST_SHA256 = "cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df"  # as tensorflow_datasets has it
STEP = 0.25  # seconds from one cut of silence to the next
ENDS = {"train": 0.8, "val": 0.9, "test": 1.0}  # where in a noise recording the cuts of each part end


@dataclass(frozen=True)
class SpeechCommands12(Corpus):
    """Ten words, `_unknown_` (all other words) and `_silence_` (seconds of the noise recordings), 16 kHz.

    Other words and silences are pooled: an epoch draws as many of each as there are clips of a word, and validation and
    test keep so many. Silences of the three parts come from different stretches of the noise.

    Args:
        root: folder of the user's copy, or None to download it.
        test_root: folder of the separate test archive, with twelve folders, which is then the whole test part; the
            clips of the testing list are left out. `download` downloads it; None tests on the testing list.
        noise: folder of the noise recordings; None takes `_background_noise_` of the corpus.
        cache: folder for downloads.
        version: see `SpeechCommands`; of 0.02 there is a test archive.
    """

    root: str | None
    test_root: str | None
    noise: str | None
    cache: str
    version: str = "0.02"

    licence = "CC BY 4.0"

    def prepare(self) -> list[Utterance]:
        """List the clips.

        Raises:
            UserError: what `SpeechCommands` raises; a word or the noise is missing, or the test archive is not laid out
                as it should be.
        """
        corpus = SpeechCommands(self.root, self.cache, self.version)
        clips = corpus.prepare()
        folder = Path(clips[0].audio).parents[1]
        if SILENCE in {u.text for u in clips}:
            raise UserError(f"dataset.root={folder} has {SILENCE} already, as the test archive has: that is test_root.")
        _check_words(clips, folder, "dataset.root")
        found = [u if u.text in WORDS else replace(u, text=UNKNOWN, pooled=True) for u in clips]
        listed = any(u.split for u in clips)
        for u in _silences(Path(self.noise).expanduser() if self.noise else folder / NOISE):
            found.append(u if listed else replace(u, split=None))
        if self.test_root is None:
            return found
        return [*(u for u in found if u.split != "test"), *self._archive()]

    def _archive(self) -> list[Utterance]:
        root = self.test_root
        if root == "download":
            what = "the test archive of Speech Commands 0.02 (about 113 MB) from TensorFlow's server"
            root = obtain(TEST_URL, Path(self.cache) / "speech_commands_test_set-0.02", what, TEST_SHA256)
        clips = SpeechCommands(str(root), self.cache).prepare()
        _check_words(clips, Path(root), "dataset.test_root")
        if odd := next((u for u in clips if u.text not in (*WORDS, UNKNOWN, SILENCE)), None):
            raise UserError(f"dataset.test_root={root} has a folder {odd.text}, and the test archive has none.")
        return [replace(u, id=f"test/{u.id}", split="test") for u in clips]


def _check_words(clips: list[Utterance], folder: Path, key: str) -> None:
    there = {u.text for u in clips}
    if missing := [word for word in WORDS if word not in there]:
        raise UserError(f"{key}={folder} has no clips of {', '.join(missing)}: pass the corpus with all ten words.")


def _silences(folder: Path) -> Iterator[Utterance]:
    """A second from every `STEP` of the noise recordings. Each stretch that makes a part is a speaker of its own."""
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise UserError(
            f"{folder} holds no noise recordings to cut {SILENCE} from: pass their folder, dataset.noise=FOLDER."
        )
    for path in paths:
        try:
            with Recording(path) as recording:
                seconds = recording.seconds
        except Unusable as error:
            raise UserError(f"{path} {error}: mend it or remove it from the folder.") from None
        start = 0.0
        for split, share in ENDS.items():
            while start + 1 <= share * seconds:
                name = f"{SILENCE}/{path.name}@{start:g}"
                yield Utterance(name, str(path), SILENCE, f"{path.stem}-{split}", split, start, 1.0, pooled=True)
                start += STEP
            start = share * seconds

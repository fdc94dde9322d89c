"""Google's Speech Commands (Warden 2018, https://arxiv.org/abs/1804.03209)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from asrx.data.corpora.files import lines_of, readable_files
from asrx.data.download import locate, obtain
from asrx.data.names import nfc
from asrx.types import Corpus, UserError, Utterance

URL = "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v{}.tar.gz"
# version -> (size, SHA-256 of its archive)
VERSIONS = {
    "0.01": ("1.5 GB", "743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d"),
    "0.02": ("2.4 GB", "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58"),
}
LISTS = {"validation_list.txt": "val", "testing_list.txt": "test"}
NOISE = "_background_noise_"
SUFFIXES = (".wav", ".flac")


@dataclass(frozen=True)
class SpeechCommands(Corpus):
    """One-second clips of single words, 16 kHz; the text is the word, the name of the clip's folder.

    Clips without a speaker in their name (`_silence_`) each count as a speaker of their own.

    Args:
        root: folder of the user's copy, one folder per word, or None to download it.
        cache: folder for the download.
        version: "0.01" (30 words) or "0.02" (35 words); used for the download alone.
        words: the words to use; None takes every folder but the background noise.
    """

    root: str | None
    cache: str
    version: str = "0.02"
    words: tuple[str, ...] | None = None

    licence = "CC BY 4.0"

    def prepare(self) -> list[Utterance]:
        """List the clips; `split` is None where the corpus's own lists are absent.

        Raises:
            UserError: the version or a word is unknown, the corpus cannot be downloaded, or `root` does not hold it.
        """
        folder = locate(self.root or self._download(), "*/*_nohash_*", "Speech Commands")
        present = {nfc(p.name): p for p in sorted(folder.iterdir()) if p.is_dir() and p.name != NOISE}
        words = sorted(present if self.words is None else map(nfc, self.words))
        if missing := [w for w in words if w not in present]:
            raise UserError(f"dataset.corpus.words: {folder} has no folder {missing[0]}; it has {', '.join(present)}.")
        clips = [path for _, paths in readable_files([present[word] for word in words], SUFFIXES) for path in paths]
        splits = _official(folder, {_listed(path) for path in clips})
        return [
            Utterance(
                f"{path.parent.name}/{path.name}",
                str(path),
                path.parent.name,
                _speaker(path.stem),
                splits.get(_listed(path), "train" if splits else None),
            )
            for path in clips
        ]

    def _download(self) -> Path:
        if self.version not in VERSIONS:
            raise UserError(f"dataset.corpus.version={self.version} is none of Speech Commands' {', '.join(VERSIONS)}.")
        size, sha256 = VERSIONS[self.version]
        what = f"Speech Commands {self.version} (about {size}) from TensorFlow's server"
        return obtain(URL.format(self.version), Path(self.cache) / f"speech_commands-{self.version}", what, sha256)


def _listed(path: Path) -> str:
    """A clip as the corpus's lists name it, but without the suffix: a copy may be in another format."""
    return f"{path.parent.name}/{path.stem}"


def _official(folder: Path, clips: set[str]) -> dict[str, str]:
    """The split of each clip that the corpus's lists name.

    Raises:
        UserError: a list names none of the clips.
    """
    splits = {}
    for path, split in ((folder / name, split) for name, split in LISTS.items()):
        if path.exists():
            listed = {line.rpartition(".")[0]: split for line in lines_of(path)}
            if listed.keys().isdisjoint(clips):
                raise UserError(
                    f"{path} names none of the {len(clips)} clips there, so that the official {split} part would be "
                    "trained on: take the list that belongs to them, or remove it to draw parts."
                )
            splits |= listed
    return splits


def _speaker(stem: str) -> str:
    # Before it may stand the word, in the folder of unknown words: happy_1f653d27_nohash_1.
    return stem.split("_nohash_")[0].rsplit("_", 1)[-1]

"""The Free Spoken Digit Dataset (FSDD), https://github.com/Jakobovski/free-spoken-digit-dataset."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from asrx.data.corpora.files import readable_files
from asrx.data.download import locate, obtain
from asrx.types import Corpus, UserError, Utterance

SUFFIXES = (".wav", ".flac")
NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>.+)_(?P<index>\d+)")
# The newest release whose checksum is published (tensorflow_datasets, spoken_digit/checksums.tsv): 5 speakers.
URL = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.9.tar.gz"
SHA256 = "8bc44cde129d505cbbb6b365c09f80c663f2aa77578afc634e6141a2f87100c0"
OFFICIAL_TEST = range(5)  # recording indices, as its README says


@dataclass(frozen=True)
class FSDD(Corpus):
    """Spoken digits, 50 recordings of each by every speaker, 8 kHz; the text is the digit, "0" to "9".

    Args:
        root: folder of the user's copy (the repository or its `recordings/`), or None to download it.
        cache: folder for the download.
        speakers: those to use; None takes all.
    """

    root: str | None
    cache: str
    speakers: tuple[str, ...] | None = None

    licence = "CC BY-SA 4.0"

    def prepare(self) -> list[Utterance]:
        """List the recordings.

        Raises:
            UserError: the corpus cannot be downloaded, `root` is not laid out as the corpus is, or a speaker is
                unknown.
        """
        what = "the Free Spoken Digit Dataset (about 12 MB) from its GitHub repository"
        root = self.root or obtain(URL, Path(self.cache) / "fsdd-1.0.9", what, SHA256)
        folder = locate(root, "[0-9]_*_[0-9]*.*", "the Free Spoken Digit Dataset")
        utterances = [_utterance(path) for _, paths in readable_files([folder], SUFFIXES) for path in paths]
        present = sorted({u.speaker for u in utterances})
        if missing := [name for name in self.speakers or () if name not in present]:
            raise UserError(f"dataset.corpus.speakers: {folder} has no {missing[0]}; it has {', '.join(present)}.")
        return [u for u in utterances if self.speakers is None or u.speaker in self.speakers]


def _utterance(path: Path) -> Utterance:
    name = NAME.fullmatch(path.stem)
    if not name:
        raise UserError(f"{path} is not named DIGIT_SPEAKER_INDEX.wav: rename it or take it out of the folder.")
    split = "test" if int(name["index"]) in OFFICIAL_TEST else "train"
    return Utterance(path.stem, str(path), name["digit"], name["speaker"], split)

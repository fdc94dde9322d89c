"""CMU's AN4 (the census database), http://www.speech.cs.cmu.edu/databases/an4/."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from asrx.data.corpora.files import lines_of
from asrx.data.download import locate, obtain
from asrx.types import Corpus, UserError, Utterance

LINE = re.compile(r"(?:<s>)?(?P<text>.*?)(?:</s>)?\s*\((?P<id>[^()]+)\)")
SUFFIXES = (".sph", ".wav", ".flac")
# NVIDIA's copy, which NeMo uses, is served over HTTPS; CMU's own is not.
URL = "https://dldata-public.s3.us-east-2.amazonaws.com/an4_sphere.tar.gz"
SHA256 = "a0525579493735d32b60fb6fa5975dd0eaacde087b0a4eeb7f13b7ef33077b12"


@dataclass(frozen=True)
class AN4(Corpus):
    """948 + 130 utterances of letters, numbers, names and short commands, 16 kHz; the text is lower case.

    Args:
        root: folder of the user's copy, with `etc/` and `wav/`, or None to download it.
        cache: folder for the download.
    """

    root: str | None
    cache: str

    licence = "CMU's own, BSD-like (the file LICENSE of the corpus)"

    def prepare(self) -> list[Utterance]:
        """List the training utterances, and the test utterances where their lists are present.

        Raises:
            UserError: the corpus cannot be downloaded, or `root` is not laid out as the corpus is.
        """
        what = "CMU AN4 in SPHERE format (about 64 MB) from NVIDIA's copy"
        root = self.root or obtain(URL, Path(self.cache) / "an4", what, SHA256)
        folder = locate(root, "etc/an4_train.fileids", "AN4")
        splits = [s for s in ("train", "test") if (folder / f"etc/an4_{s}.fileids").exists()]
        return [utterance for split in splits for utterance in _read(folder, split)]


def _read(folder: Path, split: str) -> list[Utterance]:
    fileids = " ".join(lines_of(folder / f"etc/an4_{split}.fileids")).split()
    transcription = folder / f"etc/an4_{split}.transcription"
    if not transcription.exists():
        raise UserError(f"{transcription} is missing beside an4_{split}.fileids: copy it there from the corpus.")
    lines = lines_of(transcription)
    if not fileids or len(lines) != len(fileids):
        raise UserError(
            f"{transcription} has {len(lines)} utterances and an4_{split}.fileids has {len(fileids)}: "
            "take both from the corpus as they are."
        )
    suffix = _suffix(folder / "wav" / fileids[0])
    utterances = []
    for number, (fileid, line) in enumerate(zip(fileids, lines, strict=True), start=1):
        name = PurePosixPath(fileid).name
        match = LINE.fullmatch(line.strip())
        if not match or match["id"] != name:
            raise UserError(
                f"{transcription}:{number} does not end in ({name}), the utterance on that line of "
                f"an4_{split}.fileids: take both from the corpus as they are."
            )
        audio = str(folder / "wav" / f"{fileid}{suffix}")
        speaker = PurePosixPath(fileid).parent.name
        utterances.append(Utterance(name, audio, match["text"].strip().lower(), speaker, split))
    return sorted(utterances, key=lambda u: u.id)


def _suffix(stem: Path) -> str:
    for suffix in SUFFIXES:
        if stem.with_name(stem.name + suffix).exists():
            return suffix
    raise UserError(
        f"AN4's audio is missing: looked for {stem} with {', '.join(SUFFIXES)}; "
        "copy the corpus's wav/ folder there (the release in SPHERE format, not the headerless raw one)."
    )

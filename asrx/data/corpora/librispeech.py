"""LibriSpeech, https://www.openslr.org/12 (Panayotov et al., ICASSP 2015)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from asrx.data.corpora.files import lines_of, readable_files
from asrx.data.download import locate, obtain
from asrx.types import Corpus, UserError, Utterance

URL = "https://www.openslr.org/resources/12/{}.tar.gz"
# subset -> (size, SHA-256 of its archive)
SUBSETS = {
    "train-clean-100": ("6.3 GB", "d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2"),
    "train-clean-360": ("23 GB", "146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf"),
    "train-other-500": ("30 GB", "ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2"),
    "dev-clean": ("337 MB", "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3"),
    "dev-other": ("314 MB", "12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365"),
    "test-clean": ("346 MB", "39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23"),
    "test-other": ("328 MB", "d09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29"),
}
SUFFIXES = (".flac", ".wav")
SPLITS = {"train": "train", "dev": "val", "test": "test"}


@dataclass(frozen=True)
class LibriSpeech(Corpus):
    """Read English, 16 kHz; the text is lower case.

    Args:
        root: folder of the user's copy, which holds some of the subsets, or None to download them.
        cache: folder for the downloads.
        subsets: the subsets to use; train-* is for training, dev-* for validation, test-* for test.
    """

    root: str | None
    cache: str
    subsets: tuple[str, ...] = ("train-clean-100", "dev-clean", "test-clean")

    licence = "CC BY 4.0"

    def prepare(self) -> list[Utterance]:
        """List the utterances of the subsets; with a `root`, of those that are there.

        Raises:
            UserError: a subset has an unknown name or cannot be downloaded, or `root` has none of them.
        """
        if unknown := [s for s in self.subsets if s not in SUBSETS]:
            raise UserError(f"dataset.corpus.subsets: {unknown[0]} is none of LibriSpeech's {', '.join(SUBSETS)}.")
        if self.root:
            folder = locate(self.root, "*-*/*/*/*.trans.txt", "LibriSpeech")
            folders = [folder / s for s in self.subsets if (folder / s).is_dir()]
            absent = [s for s in self.subsets if not (folder / s).is_dir()]
            if not folders:
                raise UserError(
                    f"{folder} has none of {', '.join(self.subsets)}: "
                    "name a subset that is there in dataset.corpus.subsets, or add one."
                )
            if absent:
                print(f"{folder} has no {', '.join(absent)}: what they would be for is drawn from the others.")
        else:
            folders = [self._download(subset) for subset in self.subsets]
        return [utterance for folder in folders for utterance in _read(folder)]

    def _download(self, subset: str) -> Path:
        size, sha256 = SUBSETS[subset]
        what = f"LibriSpeech {subset} (about {size}) from OpenSLR"
        folder = obtain(URL.format(subset), Path(self.cache) / f"librispeech-{subset}", what, sha256)
        return folder / "LibriSpeech" / subset


def _read(folder: Path) -> list[Utterance]:
    split = SPLITS[folder.name.split("-")[0]]
    utterances = []
    for recordings, paths in readable_files(sorted(folder.glob("*/*/")), SUFFIXES, (".trans.txt",)):
        speaker, present = recordings.parent.name, {path.stem: path for path in reversed(paths)}
        chapter = recordings / f"{speaker}-{recordings.name}.trans.txt"
        if not chapter.exists():
            raise UserError(
                f"{chapter} is missing, which says what is said in {len(present)} recordings there: take it from "
                "LibriSpeech, or remove the folder."
            )
        for number, line in enumerate(lines_of(chapter), start=1):
            name, _, text = line.partition(" ")
            if not text:
                raise UserError(
                    f"{chapter}:{number} is not an utterance's name and its text: take the file from LibriSpeech."
                )
            audio = present.pop(name, recordings / f"{name}.flac")
            utterances.append(Utterance(name, str(audio), text.lower(), speaker, split))
        if present:
            first = min(present.values()).name
            raise UserError(f"{chapter} has no line for {first}: take the file from LibriSpeech.")
    return sorted(utterances, key=lambda u: u.id)

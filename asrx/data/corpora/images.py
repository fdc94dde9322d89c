"""The user's own spectrogram images, one folder per class."""

from __future__ import annotations

from dataclasses import dataclass

from asrx.data.corpora.folder import class_folders
from asrx.data.images import Images
from asrx.types import SPLITS, Corpus, UserError, Utterance

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")
# the second layout is that of speechImageData.zip (https://github.com/andrsn/data), whose ValData is used as test part
PARTS = dict(zip(SPLITS, SPLITS, strict=True)) | {"TrainData": "train", "ValData": "test"}


@dataclass(frozen=True)
class ImageFolder(Corpus):
    """`root/CLASS/*`, `root/{train,val,test}/CLASS/*`, or `root/{TrainData,ValData}/CLASS/*`; the text is the class.

    Args:
        root: the folder.
        frames, bands: size of the images in time and in frequency; those of another size are resized.
        time_axis: `rows` (time down, frequency to the right) or `columns` (time to the right, frequency up).
        speaker_pattern: see `asrx.data.corpora.folder.Folder`.
        sample_rate: pixels a second.
    """

    root: str | None
    frames: int = 98
    bands: int = 50
    time_axis: str = "rows"
    speaker_pattern: str | None = None
    sample_rate: int = 5000

    licence = "the user's own"

    @property
    def decoder(self) -> Images:
        """What makes pixels of the files."""
        return Images(self.sample_rate, self.frames, self.bands, self.time_axis)

    def prepare(self) -> list[Utterance]:
        """List the images.

        Raises:
            UserError: an argument is out of its range, `root` is not laid out like that, or `speaker_pattern` does not
                fit.
        """
        if self.root is None:
            raise UserError(
                "dataset.root is not set: pass the folder that holds one folder of images per class, or make one from "
                "recordings with python -m asrx render FOLDER dataset=speech_commands."
            )
        if self.time_axis not in ("rows", "columns"):
            raise UserError(f"dataset.time_axis={self.time_axis} is neither rows nor columns.")
        for name, size in (("frames", self.frames), ("bands", self.bands)):
            if not isinstance(size, int) or size < 1:
                raise UserError(f"dataset.{name}={size} should be a whole number from 1.")
        return class_folders(self.root, SUFFIXES, "images", self.speaker_pattern, PARTS)

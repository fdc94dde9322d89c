"""Spectrogram images as the waveform store keeps them: grey pixels, one frame after the other.

`asrx.features.image.Image` unfolds them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asrx.data.store import NONE, digest
from asrx.types import Decoded, Utterance

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class Images:
    """Decodes image files to `frames * bands` pixels each; see `asrx.types.Decoder` and `read_image`.

    Args:
        sample_rate: pixels a second.
        frames, bands: size of the images in time and in frequency; those of another size are resized.
        time_axis: `rows` or `columns`.
    """

    sample_rate: int
    frames: int
    bands: int
    time_axis: str

    progress = "Reading images"

    @property
    def key(self) -> str:
        return f"{self.sample_rate} images {self.frames} {self.bands} {self.time_axis}"

    def decode(self, path: str, utterances: Sequence[Utterance]) -> Iterator[Decoded]:
        """Each utterance of a file is the whole image."""
        try:
            grey = _grey(path)
            decoded = Decoded(
                _pixels(grey, self.frames, self.bands, self.time_axis), digest(np.asarray(grey).tobytes())
            )
        except Exception as error:  # whatever a broken file provokes belongs in the list of bad images
            reason = getattr(error, "strerror", None) or error
            decoded = Decoded(NONE, digest(), f"cannot be read: {reason}")
        yield from (decoded for _ in utterances)


def read_image(path: str, frames: int, bands: int, time_axis: str = "rows") -> np.ndarray:
    """The grey values of an image, 0 to 255, times 128: as a waveform in [-1, 1] they are value / 256.

    Colours become their luminance (ITU-R 601-2), what is transparent becomes black (no energy), and an image of another
    size is resized bilinearly.

    Args:
        path: of the file, whatever Pillow reads.
        frames, bands: size of the result in time and in frequency.
        time_axis: `rows` for time down and frequency to the right, as in a matrix [time, frequency]; `columns` for time
            to the right and frequency up, as in a picture for people.

    Returns:
        int16 array of shape (frames * bands,): the bands of the first frame, low to high, then those of the second ...

    Raises:
        Exception: whatever Pillow raises of a file that it cannot read.
    """
    return _pixels(_grey(path), frames, bands, time_axis)


def _grey(path: str) -> Image.Image:
    from PIL import Image

    with Image.open(path) as image:
        if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip instead of scale
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        colours = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", colours.size, "black"), colours).convert("L")


def _pixels(grey: Image.Image, frames: int, bands: int, time_axis: str) -> np.ndarray:
    from PIL import Image

    if time_axis == "columns":
        grey = grey.transpose(Image.Transpose.ROTATE_270)  # clockwise: low frequencies come to the left
    if grey.size != (bands, frames):
        grey = grey.resize((bands, frames), Image.Resampling.BILINEAR)
    return np.asarray(grey, "<i2").ravel() * np.int16(128)

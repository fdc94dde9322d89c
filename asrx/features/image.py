"""The frames of a stored spectrogram image."""

from __future__ import annotations

import torch

from asrx.features.base import Features
from asrx.types import UserError


class Image(Features):
    """Rows of pixels, (B, T pixels) to (B, T // bands, bands): undoes what `asrx.data.images` did.

    Args:
        bands: pixels in a frame.
        scale: what white becomes, nearly: a grey value of 0 to 255 comes in as value / 256, so 256 gives the values
            themselves, and 1 gives 0 to 1.
        normalize: see `Features`.

    Raises:
        UserError: the data set has no bands, as one of sound has none.
    """

    of_sound = False

    def __init__(self, bands: int | None, scale: float = 256.0, normalize: str = "none"):
        if bands is None:
            raise UserError("features=image is for spectrogram images: choose dataset=images, or other features.")
        super().__init__(bands, normalize)
        self.scale = scale

    def frames(self, n_samples):
        return n_samples // self.dim

    def extract(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        count = self.frames(wave_BT.shape[1])
        return self.scale * wave_BT[:, : count * self.dim].unflatten(1, (count, self.dim))

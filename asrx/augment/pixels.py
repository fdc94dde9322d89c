"""Augmentations of frames, on images that are stored as waveforms."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from asrx.types import Augment


class Pixels(nn.Module, Augment):
    """Unfold the pixels of spectrogram images into frames, augment those, and fold them again; so that what works on
    frames can make copies (`augment.offline`) of an image folder.

    Args:
        bands: pixels in a frame.
        modules: augmentations (frames_BTF, lengths_B) -> the same, which keep lengths.
    """

    def __init__(self, bands: int, modules: Sequence[nn.Module]):
        super().__init__()
        self.bands, self.augmentations = bands, nn.ModuleList(modules)

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, frames * bands) and lengths in pixels to the same."""
        frames_BTF = wave_BT.unflatten(1, (-1, self.bands))
        for module in self.augmentations:
            frames_BTF, _ = module(frames_BTF, lengths_B // self.bands)
        return frames_BTF.flatten(1), lengths_B

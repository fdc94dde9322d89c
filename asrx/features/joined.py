"""Several kinds of features side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from asrx.features.base import Features
from asrx.types import UserError


class Joined(Features):
    """The bins of several features in each frame, (B, T samples) to (B, frames, sum of F).

    Args:
        parts: features with the same frames; what they say of `normalize` is not used.
        normalize: of all bins, see `Features`.

    Raises:
        UserError: their frames are not the same.
    """

    def __init__(self, parts: Sequence[Features], normalize: str = "utterance"):
        if not parts:
            raise UserError("features.parts names no features: give at least one.")
        super().__init__(sum(part.dim for part in parts), normalize)
        self.parts = nn.ModuleList(parts)
        self.of_sound, self.hop = all(part.of_sound for part in parts), parts[0].hop
        for n in (1, 999, 16_000):
            if len({(part.hop, part.frames(n)) for part in parts}) > 1:
                raise UserError("features.parts have frames at different times: give them the same hop and padding.")
        reaches = [part.reach for part in parts]
        self.reach = None if None in reaches else max(reaches)
        self.past = None if self.reach is None else max(part.past or part.reach for part in parts)

    def frames(self, n_samples):
        return self.parts[0].frames(n_samples)

    def extract(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        return torch.cat([part.extract(wave_BT, lengths_B) for part in self.parts], 2)

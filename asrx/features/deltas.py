"""How features change from frame to frame."""

from __future__ import annotations

import torch

from asrx.features.base import Features
from asrx.types import UserError


class Deltas(Features):
    """Other features with their slopes and, for an `order` of 2, the slopes of the slopes beside them, (B, T samples)
    to (B, frames, (1 + order) F).

    A slope is that of the straight line through 2 `width` + 1 frames (HTK's and Kaldi's deltas, torchaudio's
    `compute_deltas`); at its ends, an utterance's own first and last frame are repeated.

    Args:
        of: the other features; what they say of `normalize` is not used.
        order: 1 or 2.
        width: frames on each side of one.
        normalize: of all bins, see `Features`.

    Raises:
        UserError: another order, or a width below 1.
    """

    def __init__(self, of: Features, order: int = 2, width: int = 2, normalize: str = "utterance"):
        if order not in (1, 2) or width < 1:
            raise UserError(f"features.order={order} should be 1 or 2, and features.width={width} at least 1.")
        super().__init__((1 + order) * of.dim, normalize)
        self.of, self.order, self.width = of, order, width
        self.of_sound, self.hop = of.of_sound, of.hop
        beyond = order * width
        self.reach = None if of.reach is None else of.reach + beyond
        self.past = None if of.past is None else of.past + beyond

    def frames(self, n_samples):
        return self.of.frames(n_samples)

    def extract(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        parts, lengths_B = [self.of.extract(wave_BT, lengths_B)], self.frames(lengths_B)
        for _ in range(self.order):
            parts.append(self._slopes(parts[-1], lengths_B))
        return torch.cat(parts, 2)

    def _slopes(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        at_T = torch.arange(frames_BTF.shape[1], device=frames_BTF.device)
        last_B1 = lengths_B[:, None] - 1
        slope_BTF = torch.zeros_like(frames_BTF)
        for n in range(1, self.width + 1):
            after, before = (
                frames_BTF.gather(1, (at_T + far).clamp_min(0).minimum(last_B1)[:, :, None].expand_as(frames_BTF))
                for far in (n, -n)
            )
            slope_BTF = slope_BTF + n * (after - before)
        return slope_BTF / (2 * sum(n * n for n in range(1, self.width + 1)))

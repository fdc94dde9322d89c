"""SpecAugment's time and frequency masks."""

from __future__ import annotations

import torch
from torch import nn

from asrx.augment.arguments import from_zero, share, whole
from asrx.masking import valid
from asrx.types import Augment


class SpecAugment(nn.Module, Augment):
    """Masks over time and over frequency (Park et al. 2019, https://arxiv.org/abs/1904.08779).

    Every utterance draws its own masks. Widths are uniform from 0 to the maximum; a time mask stays inside the
    utterance.

    Args:
        time_masks, freq_masks: number of masks of each kind.
        time_width: widest time mask, in frames.
        time_share: widest time mask, as a share of the utterance; the smaller of the two counts.
        freq_width: widest frequency mask, in bins.
        fill: value of what is masked; 0 is each bin's mean when the features are normalised.

    Raises:
        UserError: an argument is not what it should be.
    """

    def __init__(
        self,
        time_masks: int = 1,
        time_width: int = 10,
        time_share: float = 0.2,
        freq_masks: int = 1,
        freq_width: int = 6,
        fill: float = 0.0,
    ):
        super().__init__()
        self.time_masks, self.time_width = whole("time_masks", time_masks, least=0), from_zero("time_width", time_width)
        self.freq_masks, self.freq_width = whole("freq_masks", freq_masks, least=0), from_zero("freq_width", freq_width)
        self.time_share = share("time_share", time_share)
        self.fill = fill

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, F) and lengths in frames to the same, masked."""
        _, time, bins = frames_BTF.shape
        widest_B = (lengths_B * self.time_share).clamp_max(self.time_width)
        hidden_BT = _bands(self.time_masks, widest_B, lengths_B, time)
        every_B = torch.full_like(lengths_B, bins)
        hidden_BF = _bands(self.freq_masks, every_B.clamp_max(self.freq_width), every_B, bins)
        hidden_BTF = (hidden_BT[:, :, None] | hidden_BF[:, None]) & valid(lengths_B, time)[:, :, None]
        return frames_BTF.masked_fill(hidden_BTF, self.fill), lengths_B


def _bands(count: int, widest_B: torch.Tensor, extent_B: torch.Tensor, size: int) -> torch.Tensor:
    """Union of `count` random bands per row, (B, size) boolean; a band lies inside its row's extent."""
    draw = torch.rand(2, len(extent_B), count, 1, device=extent_B.device)
    width_BN1 = (draw[0] * (widest_B.long()[:, None, None] + 1)).long()
    start_BN1 = (draw[1] * (extent_B[:, None, None] - width_BN1 + 1)).long()
    at = torch.arange(size, device=extent_B.device)
    return ((at >= start_BN1) & (at < start_BN1 + width_BN1)).any(1)

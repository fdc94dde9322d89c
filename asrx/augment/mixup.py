"""Mixup: convex combinations of pairs, in the input and in the loss."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn


class Mix(NamedTuple):
    """Each utterance's partner in the batch, and its own weight, both (B,)."""

    partner_B: torch.Tensor
    weight_B: torch.Tensor

    def blend(self, x_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Frames with their partner's added; the result is as long as the longer of the two."""
        weight_B11 = self.weight_B[:, None, None]
        mixed_BTF = weight_B11 * x_BTF + (1 - weight_B11) * x_BTF[self.partner_B]
        return mixed_BTF, torch.maximum(lengths_B, lengths_B[self.partner_B])

    def combine(self, own_B: torch.Tensor, partners_B: torch.Tensor) -> torch.Tensor:
        """The losses against the own and against the partner's target, in the same proportion."""
        return self.weight_B * own_B + (1 - self.weight_B) * partners_B


class Mixup(nn.Module):
    """Mixup (Zhang et al. 2018, https://arxiv.org/abs/1710.09412) with a weight and a partner drawn for every
    utterance.

    Args:
        alpha: the weights follow Beta(alpha, alpha).
    """

    def __init__(self, alpha: float = 0.5):
        super().__init__()
        self.alpha = alpha

    def forward(self, batch: int, device: torch.device) -> Mix:
        """Draw for a batch of so many."""
        alpha_B = torch.full((batch,), self.alpha, device=device)
        weight_B = torch.distributions.Beta(alpha_B, alpha_B, validate_args=False).sample()
        return Mix(torch.randperm(batch, device=device), weight_B)

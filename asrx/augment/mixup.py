"""Mixup: convex combinations of pairs, in the input and in the loss."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from asrx.types import UserError


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
    """Mixup (Zhang et al. 2018, https://arxiv.org/abs/1710.09412) with a partner drawn for every utterance.

    Args:
        alpha: the weights follow Beta(alpha, alpha).
        draw: `sample` draws a weight for every utterance, `batch` one for each batch, `dataset` one for the whole run,
            which a checkpoint holds.

    Raises:
        UserError: there is no such draw, or alpha is not above 0.
    """

    def __init__(self, alpha: float = 0.5, draw: str = "sample"):
        super().__init__()
        if draw not in ("sample", "batch", "dataset"):
            raise UserError(f"augment.mixup.draw={draw} should be sample, batch or dataset.")
        if not alpha > 0:
            raise UserError(f"augment.mixup.alpha={alpha} should be above 0, such as 0.5.")
        self.alpha, self.draw = alpha, draw
        self.register_buffer("weight", self._weights(1, torch.device("cpu")) if draw == "dataset" else None)

    def forward(self, batch: int, device: torch.device) -> Mix:
        """Draw for a batch of so many."""
        weight_B = self._weights(batch if self.draw == "sample" else 1, device) if self.weight is None else self.weight
        return Mix(torch.randperm(batch, device=device), weight_B.to(device).expand(batch))

    def _weights(self, count: int, device: torch.device) -> torch.Tensor:
        alpha_N = torch.full((count,), self.alpha, device=device)
        return torch.distributions.Beta(alpha_N, alpha_N, validate_args=False).sample()

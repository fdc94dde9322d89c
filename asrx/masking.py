"""Padding: which positions of a batch are real."""

from __future__ import annotations

import torch


def valid(lengths_B: torch.Tensor, time: int) -> torch.Tensor:
    """True where a position lies inside its sequence: lengths (B,) of integers and T give a boolean (B, T).

    >>> valid(torch.tensor([1, 3]), 3).int().tolist()
    [[1, 0, 0], [1, 1, 1]]
    """
    return torch.arange(time, device=lengths_B.device) < lengths_B[:, None]


def zero_padding(x: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
    """Set everything past each length to zero in a (B, T) or (B, T, ...) tensor; NaN in the padding goes too."""
    keep = valid(lengths_B, x.shape[1])
    return x.masked_fill(~keep.reshape(*keep.shape, *(1,) * (x.dim() - 2)), 0)


def mean(x_BTD: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
    """Mean over what is inside each length: (B, T, D) and (B,) to (B, D)."""
    return zero_padding(x_BTD, lengths_B).sum(1) / lengths_B[:, None]

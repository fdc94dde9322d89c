"""What models that make waveforms share."""

from __future__ import annotations

import torch

from asrx.masking import zero_padding
from asrx.types import UserError

QUIETEST = 1e-10  # the least power that is brought to one: the rounding of 16 bits


def check_samples(in_dim: int, sources: int) -> None:
    """Refuse features that are no samples.

    Raises:
        UserError: there is more than one bin, or no source is asked for.
    """
    if in_dim != 1:
        raise UserError(
            f"model.encoder makes waveforms of samples, and the features have {in_dim} bins: choose features=raw."
        )
    if sources < 1:
        raise UserError(f"model.encoder.sources={sources} should be a whole number from 1.")


def level(wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
    """Root of the mean square of each utterance, (B, 1); the padding is zero."""
    power_B1 = zero_padding(wave_BT, lengths_B).square().sum(1, keepdim=True) / lengths_B[:, None].clamp_min(1)
    return power_B1.clamp_min(QUIETEST).sqrt()

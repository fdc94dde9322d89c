"""Playing each utterance of a batch at its own speed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import torch

from asrx.masking import zero_padding


def play(
    wave_BT: torch.Tensor, lengths_B: torch.Tensor, factors: Sequence[Fraction], choice_B: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Resample each utterance by one of a few factors: a factor of 2 halves its length and doubles its frequencies.

    Args:
        wave_BT, lengths_B: a batch and its lengths in samples.
        factors: small fractions; the work grows with numerator and denominator.
        choice_B: which factor each utterance has, int64 on the CPU, so that no device has to be waited for.

    Returns:
        The same at the new lengths, `ceil(length / factor)`; the padding is zero.
    """
    from torchaudio.functional import resample

    parts = []
    for i in choice_B.unique().tolist():
        rows_R = (choice_B == i).nonzero()[:, 0].to(wave_BT.device)
        parts.append((rows_R, resample(wave_BT[rows_R], factors[i].numerator, factors[i].denominator)))
    lengths_B = quotients(lengths_B, factors, choice_B)
    return zero_padding(assemble(parts), lengths_B), lengths_B


def quotients(lengths_B: torch.Tensor, factors: Sequence[Fraction], choice_B: torch.Tensor) -> torch.Tensor:
    """Lengths divided by factors, rounded up."""
    over_B = torch.tensor([factor.numerator for factor in factors])[choice_B].to(lengths_B.device)
    under_B = torch.tensor([factor.denominator for factor in factors])[choice_B].to(lengths_B.device)
    return (lengths_B * under_B + over_B - 1) // over_B


def assemble(parts: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """One batch (B, T) of groups of rows, each the rows' places (R,) and waves (R, T), filled up with zeros."""
    first_RT = parts[0][1]
    out_BT = first_RT.new_zeros(sum(len(rows_R) for rows_R, _ in parts), max(part_RT.shape[1] for _, part_RT in parts))
    for rows_R, part_RT in parts:
        out_BT[rows_R, : part_RT.shape[1]] = part_RT
    return out_BT

"""Mel-frequency cepstral coefficients."""

from __future__ import annotations

from typing import Any

import torch

from asrx.features.logmel import LogMel
from asrx.types import UserError


class MFCC(LogMel):
    """The first `n_mfcc` coefficients of the orthonormal DCT-II of log-mel energies, (B, T samples) to (B, frames,
    n_mfcc).

    Args:
        n_mfcc: coefficients kept, the zeroth among them.
        integers: whether to cut off what follows the point, as an array of integers does (Keras's `pad_sequences`
            makes one unless told otherwise).
        logmel: the arguments of `LogMel`.

    Raises:
        UserError: more coefficients than filters.
    """

    def __init__(self, sample_rate: int, n_mfcc: int = 13, n_mels: int = 40, integers: bool = False, **logmel: Any):
        if n_mfcc > n_mels:
            raise UserError(f"features.n_mfcc={n_mfcc} must not be above features.n_mels={n_mels}.")
        super().__init__(sample_rate, n_mels, dim=n_mfcc, **logmel)
        from torchaudio.functional import create_dct

        self.integers = integers
        self.register_buffer("dct_MF", create_dct(n_mfcc, n_mels, norm="ortho"), persistent=False)

    def extract(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        mfcc_BTF = super().extract(wave_BT, lengths_B) @ self.dct_MF
        return mfcc_BTF.trunc() if self.integers else mfcc_BTF

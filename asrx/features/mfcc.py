"""Mel-frequency cepstral coefficients."""

from __future__ import annotations

import torch

from asrx.features.logmel import LogMel
from asrx.types import UserError


class MFCC(LogMel):
    """The first `n_mfcc` coefficients of the orthonormal DCT-II of log-mel energies, (B, T samples) to (B, frames,
    n_mfcc).

    Args:
        sample_rate: of the waveforms, in Hz.
        n_mfcc: coefficients kept, the zeroth among them.
        n_mels, window, hop, f_min, f_max, floor: see `LogMel`.
        normalize: see `Features`.

    Raises:
        UserError: more coefficients than filters.
    """

    def __init__(
        self,
        sample_rate: int,
        n_mfcc: int = 13,
        n_mels: int = 40,
        window: float = 0.025,
        hop: float = 0.010,
        f_min: float = 20.0,
        f_max: float | None = None,
        floor: float = 1e-6,
        normalize: str = "utterance",
    ):
        if n_mfcc > n_mels:
            raise UserError(f"features.n_mfcc={n_mfcc} must not be above features.n_mels={n_mels}.")
        super().__init__(sample_rate, n_mels, window, hop, f_min, f_max, floor, normalize, dim=n_mfcc)
        from torchaudio.functional import create_dct

        self.register_buffer("dct_MF", create_dct(n_mfcc, n_mels, norm="ortho"), persistent=False)

    def extract(self, wave_BT: torch.Tensor) -> torch.Tensor:
        return super().extract(wave_BT) @ self.dct_MF

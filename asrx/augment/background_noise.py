"""Noise from recordings."""

from __future__ import annotations

import tempfile
from functools import cached_property

import numpy as np
import torch
from torch import nn

from asrx.augment import recordings
from asrx.augment.arguments import interval, share
from asrx.masking import zero_padding
from asrx.types import Augment

SILENCE = 1e-12  # power; a quieter stretch of a recording is amplified as if it had this much


class BackgroundNoise(nn.Module, Augment):
    """A random stretch of a random recording, at a signal-to-noise ratio drawn for each utterance.

    Power is measured over the utterance and over the stretch that goes with it. A recording shorter than the utterance
    goes round. The recordings are decoded once, when the first batch comes, into a temporary file (4 bytes a sample),
    so that hours of them take no memory.

    Args:
        folder: holds .wav, .flac or .ogg files, of any rate, also in folders below.
        sample_rate: of the waves, in Hz.
        snr_db: lowest and highest ratio of the utterance's power to the noise's, in dB; drawn uniformly.
        probability: share of the utterances that get noise.

    Raises:
        UserError: the folder is missing or holds no recordings, or an argument is not what it should be; in the first
            batch, one of them cannot be used.
    """

    def __init__(
        self,
        folder: str,
        sample_rate: int,
        snr_db: tuple[float, float] = (5.0, 20.0),
        probability: float = 0.5,
    ):
        super().__init__()
        self.paths, self.sample_rate = recordings.find(folder, "recordings of noise"), sample_rate
        self.low, self.high = interval("snr_db", snr_db)
        self.probability = share("probability", probability)

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T) and lengths in samples to the same, noisy."""
        draw = torch.rand(4, len(lengths_B), 1)
        noise_BT = self._stretches(draw[0], draw[1], lengths_B[:, None].cpu(), wave_BT.shape[1])
        noise_BT, draw = zero_padding(noise_BT.to(wave_BT.device), lengths_B), draw.to(wave_BT.device)
        wanted_B1 = _power(wave_BT, lengths_B) / 10 ** ((self.low + draw[2] * (self.high - self.low)) / 10)
        scale_B1 = (wanted_B1 / _power(noise_BT, lengths_B).clamp_min(SILENCE)).sqrt() * (draw[3] < self.probability)
        return wave_BT + noise_BT * scale_B1, lengths_B

    def _stretches(
        self, which_B1: torch.Tensor, where_B1: torch.Tensor, lengths_B1: torch.Tensor, time: int
    ) -> torch.Tensor:
        """Stretches (B, T) of the recordings, chosen by numbers from 0 to 1; one that fits does not go round."""
        noise_N, start_R, length_R = self._recordings
        recording_B1 = (which_B1 * len(start_R)).long()
        extent_B1 = length_R[recording_B1]
        spare_B1 = torch.where(extent_B1 >= lengths_B1, extent_B1 - lengths_B1 + 1, extent_B1)
        at_BT = (where_B1 * spare_B1).long() + torch.arange(time)
        return noise_N[start_R[recording_B1] + at_BT % extent_B1]

    @cached_property
    def _recordings(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """All recordings one after the other (N,), in a file that has no name and that memory is mapped to; and where
        each starts and how long it is, (R,)."""
        lengths = []
        with tempfile.TemporaryFile() as file:
            for path in self.paths:
                lengths.append(sum(file.write(wave_T) // 4 for wave_T in recordings.read(path, self.sample_rate)))
            file.flush()
            noise_N = torch.from_numpy(np.memmap(file, np.float32, "r+"))
        length_R = torch.tensor(lengths)
        return noise_N, length_R.cumsum(0) - length_R, length_R


def _power(wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
    """Mean square of each utterance, (B, 1); the padding is zero."""
    return wave_BT.square().sum(1, keepdim=True) / lengths_B[:, None].clamp_min(1)

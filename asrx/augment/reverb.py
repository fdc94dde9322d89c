"""Reverberation."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from asrx.augment import recordings
from asrx.augment.arguments import share
from asrx.masking import zero_padding
from asrx.types import Augment, UserError

LONGEST = 30.0  # s, of an impulse response; all are padded to the longest


class Reverb(nn.Module, Augment):
    """Convolve utterances with measured impulse responses of rooms (Ko et al. 2017, "A study on data augmentation of
    reverberant speech for robust speech recognition", https://doi.org/10.1109/ICASSP.2017.7953152).

    Each utterance draws its room. The direct sound, the largest peak of the response, comes at the time of the dry one;
    what rings on past the utterance's end is cut; the energy stays the same. The responses are read once, when the
    first batch comes.

    Args:
        folder: holds .wav, .flac or .ogg files, of any rate, also in folders below; of several channels, the first.
        sample_rate: of the waves, in Hz.
        probability: share of the utterances that get reverberation.

    Raises:
        UserError: the folder is missing or holds no recordings, or an argument is not what it should be; in the first
            batch, one of them cannot be used, or is too long for a room.
    """

    def __init__(self, folder: str, sample_rate: int, probability: float = 0.5):
        super().__init__()
        self.paths, self.sample_rate = recordings.find(folder, "impulse responses of rooms"), sample_rate
        self.probability = share("probability", probability)

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T) and lengths in samples to the same, reverberant."""
        time = wave_BT.shape[1]
        draw = torch.rand(2, len(lengths_B), device=wave_BT.device)
        response_RL = self._responses.to(wave_BT.device)
        response_BL = response_RL[(draw[0] * len(response_RL)).long()]
        size = 2 ** (time + response_BL.shape[1] - 1).bit_length()
        echo_BN = torch.fft.irfft(torch.fft.rfft(wave_BT, size) * torch.fft.rfft(response_BL, size), size)
        direct_B1 = response_BL.abs().argmax(1, keepdim=True)
        wet_BT = zero_padding(echo_BN.gather(1, direct_B1 + torch.arange(time, device=wave_BT.device)), lengths_B)
        dry_B1, energy_B1 = wave_BT.square().sum(1, keepdim=True), wet_BT.square().sum(1, keepdim=True)
        rings_B1 = (draw[1, :, None] < self.probability) & (energy_B1 > 0)
        return torch.where(rings_B1, wet_BT * (dry_B1 / energy_B1).sqrt(), wave_BT), lengths_B

    @cached_property
    def _responses(self) -> torch.Tensor:
        """Impulse responses (R, L), filled up with zeros."""
        return pad_sequence([self._response(path) for path in self.paths], batch_first=True)

    def _response(self, path: Path) -> torch.Tensor:
        blocks, samples = [], 0
        for wave_T in recordings.read(path, self.sample_rate):
            blocks.append(wave_T)
            samples += len(wave_T)
            if samples > LONGEST * self.sample_rate:
                raise UserError(f"{path} lasts longer than any room rings, {LONGEST:g} s: take it out of the folder.")
        return torch.from_numpy(np.concatenate(blocks))

"""One-sided additive noise."""

from __future__ import annotations

import torch
from torch import nn

from asrx.augment.arguments import from_zero, share
from asrx.masking import zero_padding
from asrx.types import Augment


class UniformNoise(nn.Module, Augment):
    """Noise drawn uniformly from 0 to an amplitude. Its mean is half of that: it is not centred.

    Args:
        amplitude: of the noise, where full scale is 1.
        probability: share of the utterances that get noise.
        shared: add one and the same noise to every utterance of every batch, for repeating published work that did.
            A checkpoint holds the seed of it.

    Raises:
        UserError: an argument is not what it should be.
    """

    def __init__(self, amplitude: float = 0.03, probability: float = 1.0, shared: bool = False):
        super().__init__()
        self.amplitude, self.shared = from_zero("amplitude", amplitude), shared
        self.probability = share("probability", probability)
        self.register_buffer("seed", torch.randint(2**31, ()) if shared else None)
        self.noise_T = torch.zeros(0)

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T) and lengths in samples to the same, noisy."""
        noise_BT = self._same(wave_BT) if self.shared else torch.rand_like(wave_BT)
        scale_B1 = self.amplitude * (torch.rand(len(lengths_B), 1, device=wave_BT.device) < self.probability)
        return wave_BT + zero_padding(noise_BT, lengths_B) * scale_B1, lengths_B

    def _same(self, wave_BT: torch.Tensor) -> torch.Tensor:
        """The shared noise in every row. A longer batch draws a longer noise, which begins with the one before."""
        time = wave_BT.shape[1]
        if len(self.noise_T) < time:
            self.noise_T = torch.rand(time, generator=torch.Generator().manual_seed(int(self.seed))).to(wave_BT.device)
        return self.noise_T[:time].expand_as(wave_BT)

"""How near waveforms come to the clean ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import torch
from torch import nn

from asrx.decoding.sources import SourceDecoder
from asrx.metrics.separation import Separation, decibels
from asrx.types import Batch, Hypothesis, Objective, Targets

QUIETEST = 1e-8  # energy over an utterance that is added to both sides of a ratio: silence has one


class SiSdr(nn.Module, Objective):
    """The scale-invariant signal-to-distortion ratio (Le Roux et al. 2019, https://arxiv.org/abs/1811.02508) of the
    encodings, which are waveforms, against the clean sources of mixtures; of several sources, in the order that fits
    best (permutation-invariant training, Kolbaek et al. 2017, https://arxiv.org/abs/1703.06284). It has no weights.

    Args:
        in_dim: encoder width D, which is the number of sources S.
    """

    monitor = "val/si_sdr"
    modes = Separation.modes
    writes = False

    def __init__(self, in_dim: int):
        super().__init__()
        self.sources = in_dim
        self.decoder = SourceDecoder()

    def encode(self, text: str) -> list[int]:
        return []

    def text(self, target: Sequence[int]) -> str:
        return ""

    def feasible(self, n_frames: int, target: Sequence[int]) -> bool:
        return n_frames >= 1

    def loss(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, targets: Targets) -> torch.Tensor:
        return -best_order(enc_BTD, targets.sources_BTS)[0]

    def outputs(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """The waveforms, (B, T, S) float32."""
        return enc_BTD.float()

    def judged(
        self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, batch: Batch
    ) -> tuple[list[str], list[Hypothesis]]:
        """The SI-SDR of each mixture, and of what was made of it, which is its score too."""
        sources_BTS = batch.targets.sources_BTS
        before_B = si_sdr(batch.wave_BT[:, :, None].expand_as(sources_BTS), sources_BTS).mean(1)
        after = best_order(enc_BTD, sources_BTS)[0].tolist()
        return [*map(decibels, before_B.tolist())], [Hypothesis(decibels(value), value) for value in after]

    def metrics(self) -> Separation:
        return Separation()


def si_sdr(made_BTS: torch.Tensor, clean_BTS: torch.Tensor) -> torch.Tensor:
    """Of each waveform against the clean one beside it, in dB, both zero in the padding: (B, T, S) to (B, S)."""
    made_BTS, clean_BTS = made_BTS.float(), clean_BTS.float()
    energy_B1S = clean_BTS.square().sum(1, keepdim=True)
    share_B1S = (made_BTS * clean_BTS).sum(1, keepdim=True) / (energy_B1S + QUIETEST)
    speech_BTS = share_B1S * clean_BTS
    signal_BS, rest_BS = (x.square().sum(1) + QUIETEST for x in (speech_BTS, made_BTS - speech_BTS))
    return 10 * (signal_BS / rest_BS).log10()


def best_order(made_BTS: torch.Tensor, clean_BTS: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The mean SI-SDR over the sources in the order that fits best, (B,), and that order, (B, S): where each clean
    source stands in what was made."""
    sources = made_BTS.shape[2]
    orders_PS = torch.tensor([*permutations(range(sources))], device=made_BTS.device)
    found_BP = torch.stack([si_sdr(made_BTS[:, :, order_S], clean_BTS).mean(1) for order_S in orders_PS], 1)
    best = found_BP.max(1)
    return best.values, orders_PS[best.indices]

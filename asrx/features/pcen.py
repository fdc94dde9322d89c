"""Per-channel energy normalisation."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from asrx.features.logmel import LogMel
from asrx.types import UserError

MEMORY = 4.0  # s, how far back the smoothed energy looks
EPSILON = 1e-6


class Normalisation(nn.Module):
    """Per-channel energy normalisation (Wang et al. 2017, https://arxiv.org/abs/1607.05666): each channel's energy is
    divided by a running mean of itself, and its range compressed; (B, T, F) to the same.

        mean[t] = (1 - smoothing) mean[t - 1] + smoothing energy[t], and before the first frame the energy was the same
        (energy / (1e-6 + mean) ** gain + bias) ** power - bias ** power

    The mean forgets what lies `memory` frames back, so that it is one convolution.

    Args:
        dim: channels F.
        memory: frames.
        smoothing, gain, bias, power: see above; where they are learned, each channel begins with these and has its own.
        learned: whether they are.

    Raises:
        UserError: smoothing, gain or power is not between 0 and 1, or bias not above 0.
    """

    def __init__(
        self, dim: int, memory: int, smoothing: float, gain: float, bias: float, power: float, learned: bool = False
    ):
        super().__init__()
        for name, value in (("smoothing", smoothing), ("gain", gain), ("power", power)):
            if not 0 < value < 1:
                raise UserError(f"features.{name}={value} should be between 0 and 1.")
        if not bias > 0:
            raise UserError(f"features.bias={bias} should be above 0.")
        first = {"smoothing": _logit(smoothing), "gain": _logit(gain), "bias": math.log(bias), "power": _logit(power)}
        for name, value in first.items():
            if learned:
                self.register_parameter(name, nn.Parameter(torch.full((dim,), value)))
            else:
                self.register_buffer(name, torch.full((dim,), value), persistent=False)
        self.memory = memory

    def forward(self, energy_BTF: torch.Tensor) -> torch.Tensor:
        mean_BTF = self._smoothed(energy_BTF.transpose(1, 2)).transpose(1, 2)
        gain_F, bias_F, power_F = self.gain.sigmoid(), self.bias.exp(), self.power.sigmoid()
        level_BTF = energy_BTF * (-gain_F * (EPSILON + mean_BTF).log()).exp()
        return (level_BTF + bias_F) ** power_F - bias_F**power_F

    def _smoothed(self, energy_BFT: torch.Tensor) -> torch.Tensor:
        ago_N = torch.arange(self.memory - 1, -1, -1, device=energy_BFT.device)
        weight_FN = (ago_N * functional.logsigmoid(-self.smoothing)[:, None]).exp()
        weight_FN = weight_FN / weight_FN.sum(1, keepdim=True)
        before_BFT = energy_BFT[..., :1].expand(-1, -1, self.memory - 1)
        return functional.conv1d(torch.cat([before_BFT, energy_BFT], 2), weight_FN[:, None], groups=len(weight_FN))


class PCEN(LogMel):
    """Mel energies normalised as `Normalisation` does it instead of their logarithm, (B, T samples) to
    (B, 1 + T // hop, n_mels).

    Args:
        sample_rate, n_mels, window, hop, f_min, f_max, mel, gain, normalize: see `LogMel`.
        smoothing, exponent, bias, power: `smoothing`, `gain`, `bias` and `power` of `Normalisation`.
        learned: whether each channel learns its own.
    """

    def __init__(
        self,
        sample_rate: int,
        n_mels: int = 40,
        window: float = 0.025,
        hop: float = 0.010,
        f_min: float = 20.0,
        f_max: float | None = None,
        mel: str = "htk",
        gain: str = "kept",
        normalize: str = "utterance",
        smoothing: float = 0.025,
        exponent: float = 0.98,
        bias: float = 2.0,
        power: float = 0.5,
        learned: bool = False,
    ):
        super().__init__(sample_rate, n_mels, window, hop, f_min, f_max, mel, gain=gain, normalize=normalize)
        memory = math.ceil(MEMORY * sample_rate / self.hop)
        self.pcen = Normalisation(n_mels, memory, smoothing, exponent, bias, power, learned)
        self.past = None if self.reach is None else self.reach + memory

    def energies(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """Of 16-bit samples, for which the published constants are."""
        return super().energies(wave_BT, lengths_B) * 2.0**30

    def extract(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        return self.pcen(self.energies(wave_BT, lengths_B))


def _logit(share: float) -> float:
    return math.log(share / (1 - share))

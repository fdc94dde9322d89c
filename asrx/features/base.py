"""What every kind of features shares: lengths, normalisation, zeros in the padding, float32."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from torch import nn

from asrx.masking import valid, zero_padding
from asrx.types import UserError

NORMALIZATIONS = ("none", "utterance", "level", "corpus")


class Features(nn.Module, ABC):
    """Turns waveforms into frames. A subclass gives `dim`, `hop`, `frames`, `extract`, and `reach` if what it makes of
    a waveform's parts is what it makes of the whole.

    Args:
        normalize: `none`; `utterance`, zero mean and unit variance of each bin over the utterance's own frames;
            `level`, the same of all bins together, which keeps the shape of a short clip's spectrum; or `corpus`, of
            each bin over all training frames (`fit` must have seen them; the figures are kept in the checkpoint).
            Of features that learn, the frames are those of their first weights.

    Raises:
        UserError: an unknown `normalize`.
    """

    dim: int
    of_sound = True  # what augmentations of waveforms may be used with
    hop = 1  # samples from frame to frame
    reach: int | None = None  # frames at each end that look past it; None where a frame depends on far ones
    past: int | None = None  # frames before one that it depends on, where they are more than `reach`

    def __init__(self, dim: int, normalize: str):
        super().__init__()
        if normalize not in NORMALIZATIONS:
            raise UserError(f"features.normalize={normalize} is none of {', '.join(NORMALIZATIONS)}.")
        self.dim = dim
        self.normalize = normalize
        self.register_buffer("mean_F", torch.zeros(dim))
        self.register_buffer("std_F", torch.ones(dim))

    @abstractmethod
    def frames(self, n_samples):
        """Number of frames of `n_samples` samples; works on integers and on integer tensors."""

    @abstractmethod
    def extract(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """(B, T samples) and lengths in samples to (B, T frames, F), before normalisation."""

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T samples) and lengths in samples to (B, T frames, F) float32 and lengths in frames."""
        weights = any(weight.requires_grad for weight in self.parameters())
        learns = torch.is_grad_enabled() and (weights or wave_BT.requires_grad)
        with torch.autocast(wave_BT.device.type, enabled=False), torch.set_grad_enabled(learns):
            return self.normalized(self.extract(wave_BT.float(), lengths_B), self.frames(lengths_B))

    def normalized(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What `extract` answers and lengths in frames to what the encoder sees."""
        if self.normalize in ("utterance", "level"):
            mean_BF, std_BF = _moments(frames_BTF, lengths_B, together=self.normalize == "level")
            frames_BTF = (frames_BTF - mean_BF[:, None]) / std_BF[:, None]
        elif self.normalize == "corpus":
            frames_BTF = (frames_BTF - self.mean_F) / self.std_F
        return zero_padding(frames_BTF, lengths_B), lengths_B

    @torch.no_grad()
    def fit(self, batches: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> None:
        """Take mean and standard deviation of each bin over (wave_BT, lengths_B) batches, for `normalize=corpus`."""
        count, total, squares = 0, torch.zeros(self.dim).double(), torch.zeros(self.dim).double()
        for wave_BT, lengths_B in batches:
            frames_BTF, lengths_B = self.extract(wave_BT, lengths_B), self.frames(lengths_B)
            real_NF = frames_BTF[valid(lengths_B, frames_BTF.shape[1])].double()
            count += len(real_NF)
            total += real_NF.sum(0).cpu()
            squares += real_NF.square().sum(0).cpu()
        mean_F = total / count
        self.mean_F.copy_(mean_F)
        self.std_F.copy_((squares / count - mean_F.square()).clamp_min(1e-10).sqrt())


def _moments(x_BTF: torch.Tensor, lengths_B: torch.Tensor, together: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation over the valid frames, each (B, F), or (B, 1) of all bins together."""
    keep_BT1 = valid(lengths_B, x_BTF.shape[1])[:, :, None]
    count_B1 = lengths_B[:, None].clamp_min(1)
    mean_BF = (x_BTF * keep_BT1).sum(1) / count_B1
    if together:
        mean_BF = mean_BF.mean(1, keepdim=True)
    variance_BF = ((x_BTF - mean_BF[:, None]).square() * keep_BT1).sum(1) / count_B1
    if together:
        variance_BF = variance_BF.mean(1, keepdim=True)
    return mean_BF, variance_BF.clamp_min(1e-10).sqrt()


def samples(seconds: float, sample_rate: int) -> int:
    """A duration in samples, at least one.

    Raises:
        UserError: it is not above 0.
    """
    if not seconds > 0:
        raise UserError(f"features: a window or a hop of {seconds} s is none: give one above 0.")
    return max(1, round(seconds * sample_rate))


def power_of_two(n: int) -> int:
    """The smallest power of two that is not below n."""
    return 2 ** math.ceil(math.log2(n))

"""What computes log probabilities from waveforms."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Protocol

import torch

from asrx.evaluation.trained import load_model
from asrx.types import TextDecoder


class Engine(Protocol):
    """A model in use.

    Attributes:
        sample_rate: of its waveforms, in Hz.
        frame: seconds from one of its outputs to the next.
        decoder: turns what it answers into text.
    """

    sample_rate: int
    frame: float
    decoder: TextDecoder

    @abstractmethod
    def __call__(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Waveforms, float32 in [-1, 1] padded with zeros, and lengths in samples, to log probabilities and lengths in
        frames; see `asrx.types.TextDecoder`."""


class TorchEngine(Engine):
    """A checkpoint, in PyTorch on the CPU.

    Args:
        path: a run folder or a checkpoint; see `load_model`.

    Raises:
        UserError: see `load_model`.
    """

    def __init__(self, path: Path):
        cfg, self.pipeline = load_model(path)
        self.sample_rate, self.decoder = cfg.dataset.sample_rate, self.pipeline.objective.decoder
        stretch = self.pipeline.clip.samples or 60 * self.sample_rate
        frames = self.pipeline.out_len(2 * stretch) - self.pipeline.out_len(stretch) or self.pipeline.out_len(stretch)
        self.frame = stretch / self.sample_rate / frames

    @torch.inference_mode()
    def __call__(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        enc_BTD, lengths_B = self.pipeline(wave_BT, lengths_B)
        return self.pipeline.objective.log_probabilities(enc_BTD, lengths_B), lengths_B

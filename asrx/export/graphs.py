"""What of a trained model is exported: all that is between an engine's input and log probabilities."""

from __future__ import annotations

import torch
from torch import nn

from asrx.training.pipeline import Pipeline

WHOLE = -1  # as a length: as long as the batch is


class WaveGraph(nn.Module):
    """From waveforms.

    Args:
        pipeline: see `asrx.training.pipeline`.
        repeats: times that each output frame is given, for engines that fix the time from frame to frame.
    """

    def __init__(self, pipeline: Pipeline, repeats: int = 1):
        super().__init__()
        self.pipeline, self.repeats = pipeline, repeats

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T) and lengths in samples, which may be `WHOLE`, to log probabilities and lengths in frames."""
        batch, time = wave_BT.shape
        lengths_B = torch.where(lengths_B < 0, time, lengths_B) + lengths_B.new_zeros(batch)
        enc_BTD, lengths_B = self.pipeline(wave_BT, lengths_B)
        logp = self.pipeline.objective.log_probabilities(enc_BTD, lengths_B)
        return logp.repeat_interleave(self.repeats, 1) if self.repeats > 1 else logp, lengths_B * self.repeats


class FrameGraph(nn.Module):
    """From features that the engine computes, before they are normalised.

    Args:
        pipeline: see `asrx.training.pipeline`.
        bins_first: whether frames are (B, F, T) instead of (B, T, F).
    """

    def __init__(self, pipeline: Pipeline, bins_first: bool):
        super().__init__()
        self.pipeline, self.bins_first = pipeline, bins_first

    def forward(self, frames: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Frames and their lengths to log probabilities and lengths in frames."""
        frames_BTF = frames.transpose(1, 2) if self.bins_first else frames
        enc_BTD, lengths_B = self.pipeline.encoder(*self.pipeline.features.normalized(frames_BTF, lengths_B))
        return self.pipeline.objective.log_probabilities(enc_BTD, lengths_B), lengths_B

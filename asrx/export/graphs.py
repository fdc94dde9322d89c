"""What of a trained model is exported: all that is between an engine's input and log probabilities."""

from __future__ import annotations

import math

import torch
from torch import nn

from asrx.training.pipeline import Pipeline

NEVER = -100.0  # a log probability
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
        logp = self.pipeline.objective.outputs(enc_BTD, lengths_B)
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
        return self.pipeline.objective.outputs(enc_BTD, lengths_B), lengths_B


class ChunkGraph(nn.Module):
    """From features of the next frames and what a streaming encoder remembers, as NeMo's streaming models have it.

    The caches begin as zeros: `cache_last_channel` (B, 1, 1, numbers), what the encoder's layers remember;
    `cache_last_time` (B, 1, 1, numbers), what its convolutions still look at and outputs that wait for later ones; and
    `cache_last_channel_len` (B,), the outputs so far. The first `lookahead` outputs stand before the beginning, and say
    blank.

    Args:
        pipeline: see `asrx.training.pipeline`; its encoder is a `CausalEncoder`.
    """

    def __init__(self, pipeline: Pipeline):
        super().__init__()
        self.pipeline = pipeline
        encoder = pipeline.encoder
        self.memory = [tuple(state.shape[1:]) for state in encoder.remembered(1)]
        contexts = encoder.begin(1)[: len(encoder.convs)]
        self.time = [*(tuple(context.shape[1:]) for context in contexts), (encoder.lookahead, encoder.dim)]

    def begin(self, batch: int) -> list[torch.Tensor]:
        """The caches before the first frame."""
        caches = [torch.zeros(batch, 1, 1, sum(map(math.prod, shapes))) for shapes in (self.memory, self.time)]
        return [*caches, torch.zeros(batch, dtype=torch.int64)]

    def forward(
        self,
        frames_BFT: torch.Tensor,
        lengths_B: torch.Tensor,
        channel: torch.Tensor,
        time: torch.Tensor,
        given_B: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        """Frames and caches to log probabilities, their number, and the caches after them."""
        encoder, objective = self.pipeline.encoder, self.pipeline.objective
        *contexts, waiting = _unpacked(time, self.time)
        frames_BTF, lengths_B = self.pipeline.features.normalized(frames_BFT.transpose(1, 2), lengths_B)
        state = [*contexts, *_unpacked(channel, self.memory), waiting]
        enc_BTD, state = encoder.advance(frames_BTF, state)
        contexts, memory, waiting = state[: len(contexts)], state[len(contexts) : -1], state[-1]
        logp_BTV = objective.outputs(enc_BTD, lengths_B)
        place_BT = given_B[:, None] + torch.arange(logp_BTV.shape[1])
        nothing_V = torch.full((logp_BTV.shape[2],), NEVER)
        nothing_V[-1] = 0
        logp_BTV = torch.where((place_BT < encoder.lookahead)[:, :, None], nothing_V, logp_BTV)
        count_B = torch.zeros_like(lengths_B) + logp_BTV.shape[1]
        return logp_BTV, count_B, _packed(memory), _packed([*contexts, waiting]), given_B + count_B


def _packed(states: list[torch.Tensor]) -> torch.Tensor:
    """(B, ...) each to (B, 1, 1, numbers)."""
    return torch.cat([state.flatten(1) for state in states], 1)[:, None, None]


def _unpacked(cache: torch.Tensor, shapes: list[tuple[int, ...]]) -> list[torch.Tensor]:
    parts = cache.flatten(1).split([math.prod(shape) for shape in shapes], 1)
    return [part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)]

"""A form for streams: one chunk after the other, with what the model remembers as inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from omegaconf import DictConfig
from torch import nn
from torch.nn import functional

from asrx.export.forms.frames import NemoCTC
from asrx.export.graphs import ChunkGraph
from asrx.features.fbank import HOP
from asrx.models.causal import CausalEncoder
from asrx.training.pipeline import Pipeline
from asrx.types import UserError

WINDOW = 32  # frames of 10 ms


class NemoStream(NemoCTC):
    """For sherpa-onnx's `OnlineRecognizer.from_nemo_ctc`, which computes `features=nemo` and keeps the caches."""

    inputs = {
        "audio_signal": ("batch", None, None),
        "length": ("batch",),
        "cache_last_channel": ("batch", None, None, None),
        "cache_last_time": ("batch", None, None, None),
        "cache_last_channel_len": ("batch",),
    }
    outputs = (
        "logprobs",
        "logprobs_len",
        "cache_last_channel_next",
        "cache_last_time_next",
        "cache_last_channel_next_len",
    )
    prefix = True
    usage = "stream"

    def sherpa(self) -> None:
        return None

    def __init__(self, cfg: DictConfig, pipeline: Pipeline):
        super().__init__(cfg, pipeline)
        if not isinstance(pipeline.encoder, CausalEncoder):
            raise UserError("--form stream: this model needs the whole recording, train with model=stream_ctc.")
        if pipeline.features.normalize not in ("none", "corpus"):
            raise UserError(
                f"--form stream: features.normalize={pipeline.features.normalize} looks at the whole recording, train "
                "with features.normalize=corpus."
            )

    @property
    def tail(self) -> float:
        """Seconds of silence that must follow, so that nothing is lost."""
        return (2 * WINDOW + (self.pipeline.encoder.lookahead + 1) * self.step()) * HOP

    def graph(self) -> nn.Module:
        return ChunkGraph(self.pipeline)

    def arguments(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Of the first chunk."""
        frames_BFT, _ = super().arguments(wave_BT, lengths_B)
        batch = len(wave_BT)
        return frames_BFT[..., :WINDOW], torch.full((batch,), WINDOW), *self.graph().begin(batch)

    def answer(
        self, run: Callable[..., list[torch.Tensor]], wave_BT: torch.Tensor, lengths_B: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Chunk after chunk; frames that do not fill the last one are left out, and outputs that wait for more."""
        frames_BFT, counts_B = super().arguments(wave_BT, lengths_B)
        missing = -frames_BFT.shape[2] % WINDOW
        chunks = functional.pad(frames_BFT, (0, missing)).split(WINDOW, 2)
        state, parts = self.graph().begin(len(wave_BT)), []
        for chunk_BFT in chunks:
            logp_BTV, _, *state = run(chunk_BFT.contiguous(), torch.full((len(wave_BT),), WINDOW), *state)
            parts.append(logp_BTV)
        ahead = self.pipeline.encoder.lookahead
        certain_B = (counts_B // WINDOW * (WINDOW // self.step()) - ahead).clamp_min(0)
        return torch.cat(parts, 1)[:, ahead:], certain_B

    @property
    def metadata(self) -> dict[str, Any]:
        _, channel, time, _ = (torch.empty(0), *self.graph().begin(1))
        caches = {"cache_last_channel": channel, "cache_last_time": time}
        return {
            "model_type": "EncDecCTCModel",
            "normalize_type": "",
            "sample_rate": self.rate,
            "vocab_size": len(self.vocabulary) - 1,  # sherpa-onnx adds the blank
            "window_size": WINDOW,
            "chunk_shift": WINDOW,
            "subsampling_factor": self.step(),
            **{f"{name}_dim{i}": size for name, cache in caches.items() for i, size in enumerate(cache.shape[1:], 1)},
        }

    def config(self) -> dict[str, Any]:
        return {}

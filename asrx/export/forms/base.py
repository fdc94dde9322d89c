"""What every form of an exported model has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from omegaconf import DictConfig
from torch import nn

from asrx.decoding.ctc import CTCDecoder
from asrx.decoding.label import LabelDecoder
from asrx.training.pipeline import Pipeline
from asrx.types import UserError


class Form(ABC):
    """A way to export.

    Args:
        cfg, pipeline: of the trained model.

    Attributes:
        inputs: the name of each input, with the names of its free axes, as `asrx.export.onnx_file` takes them.
        outputs: names.
        defaults: inputs that may be left out.
        batched: whether more than one utterance is answered at a time.
        prefix: whether the last frames may be missing, as they wait for what comes next.
        path: of the ONNX file in the folder.
        usage: the name of the template in `usage/` that says how the files are used.

    Raises:
        UserError: the engine cannot run such a model.
    """

    inputs: dict[str, tuple[str | None, ...]]
    outputs: tuple[str, ...]
    defaults: dict[str, int] = {}
    batched = True
    prefix = False
    path = "model.onnx"
    usage: str

    def __init__(self, cfg: DictConfig, pipeline: Pipeline):
        self.rate, self.pipeline = int(cfg.dataset.sample_rate), pipeline
        if pipeline.readings is not None:
            raise UserError("augment.test reads each utterance several times, which is not exported: train without it.")
        if not pipeline.features.of_sound:
            raise UserError("features=image reads pixels, and what is exported begins with sound.")
        if not pipeline.objective.writes:
            raise UserError(
                "this model makes waveforms, and what is exported writes text: name a run that writes transcripts or "
                "labels."
            )
        if pipeline.enhancer is not None:
            raise UserError("features.enhance cleans waveforms, which no form exports: train without it.")
        decoder = pipeline.objective.decoder
        if not isinstance(decoder, CTCDecoder | LabelDecoder):
            raise UserError(
                f"{type(decoder).__name__} has a network of its own, which no form exports: use a model "
                "of ctc or cross_entropy."
            )
        self.vocabulary = [*decoder.labels]
        if isinstance(decoder, CTCDecoder):
            self.vocabulary.append("<blk>")

    @abstractmethod
    def graph(self) -> nn.Module:
        """What is exported."""

    @abstractmethod
    def arguments(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """What the engine gives to the graph for waveforms in [-1, 1] and their lengths in samples."""

    def answer(
        self, run: Callable[..., list[torch.Tensor]], wave_BT: torch.Tensor, lengths_B: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Log probabilities and lengths of waveforms, by an engine that runs the graph: `run` takes the inputs."""
        logp, *more = run(*self.arguments(wave_BT, lengths_B))
        return logp, more[0] if more else torch.full_like(lengths_B, logp.shape[1])

    @property
    def metadata(self) -> dict[str, Any]:
        """Of the ONNX file."""
        return {"sample_rate": self.rate, "vocab_size": len(self.vocabulary)}

    def config(self) -> dict[str, Any]:
        """What config.json says beside what asrx reads."""
        return {}

    def files(self) -> dict[str, str]:
        """Paths and texts of files that only this engine reads."""
        return {}

    def sherpa(self) -> str | None:
        """sherpa-onnx's name for such a model, where its OfflineRecognizer takes the file."""
        return None

    def needs_ctc(self, engine: str) -> None:
        if not isinstance(self.pipeline.objective.decoder, CTCDecoder):
            raise UserError(f"{engine} runs models of CTC, and this one answers labels: leave out --form.")

    def step(self) -> int:
        """Feature frames to an output frame."""
        n = self.pipeline.encoder.out_len(1000) or 1
        return round(1000 / n)

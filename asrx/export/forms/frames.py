"""Forms that begin with features, which the engine computes."""

from __future__ import annotations

from typing import Any

import torch
from omegaconf import DictConfig
from torch import nn

from asrx.export.forms.base import Form
from asrx.export.graphs import FrameGraph
from asrx.features.kaldi import Kaldi
from asrx.features.nemo import Nemo
from asrx.training.pipeline import Pipeline
from asrx.types import UserError


class Frames(Form):
    """For engines that compute the features."""

    features: type
    engine: str
    choice: str
    bins_first: bool

    def __init__(self, cfg: DictConfig, pipeline: Pipeline):
        super().__init__(cfg, pipeline)
        self.needs_ctc(self.engine)
        if not isinstance(pipeline.features, self.features):
            raise UserError(f"{self.engine} computes features that this model was not trained on: {self.choice}.")
        if pipeline.clip.samples is not None:
            raise UserError(f"dataset.clip cuts waveforms, which {self.engine} does not: train without it.")

    def graph(self) -> nn.Module:
        return FrameGraph(self.pipeline, self.bins_first)

    def arguments(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, ...]:
        features = self.pipeline.features
        frames_BTF = features.extract(wave_BT, lengths_B)
        return frames_BTF.transpose(1, 2) if self.bins_first else frames_BTF, features.frames(lengths_B)


class Zipformer(Frames):
    """For sherpa-onnx's `from_zipformer_ctc`, which computes `features=kaldi`."""

    inputs = {"x": ("batch", "frames", None), "x_lens": ("batch",)}
    outputs = ("log_probs", "log_probs_len")
    features, engine, choice, bins_first = Kaldi, "sherpa-onnx", "train with features=kaldi", False
    usage = "zipformer"

    def sherpa(self) -> str | None:
        return "zipformer_ctc"

    @property
    def metadata(self) -> dict[str, Any]:
        return super().metadata | {"model_type": "zipformer2_ctc", "subsampling_factor": self.step()}


class NemoCTC(Frames):
    """For sherpa-onnx's `from_nemo_ctc` and for onnx-asr, which compute `features=nemo`."""

    inputs = {"audio_signal": ("batch", None, "frames"), "length": ("batch",)}
    outputs = ("logprobs", "logprobs_len")
    features, engine, choice, bins_first = Nemo, "This form's engine", "train with features=nemo", True
    usage = "nemo"

    def sherpa(self) -> str | None:
        return "nemo_ctc"

    @property
    def metadata(self) -> dict[str, Any]:
        own = {
            "model_type": "EncDecCTCModel",
            "subsampling_factor": self.step(),
            "normalize_type": "",
            "is_giga_am": 0,
        }
        return super().metadata | own

    def config(self) -> dict[str, Any]:
        return {
            "model_type": "nemo-conformer-ctc",
            "features_size": self.pipeline.features.dim,
            "subsampling_factor": self.step(),
        }

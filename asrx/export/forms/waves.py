"""Forms that begin with waveforms."""

from __future__ import annotations

from typing import Any

import torch
from omegaconf import DictConfig
from torch import nn

from asrx.decoding.label import LabelDecoder
from asrx.export.forms.base import Form
from asrx.export.graphs import WHOLE, WaveGraph
from asrx.training.pipeline import Pipeline
from asrx.types import UserError

OMNILINGUAL_FRAME = 0.020  # s, of sherpa-onnx's time stamps


class Waves(Form):
    """One graph from waveform to log probabilities, for onnxruntime; the lengths may be left out."""

    inputs = {"wave": ("batch", "samples"), "lengths": ("batch",)}
    outputs = ("log_probs", "log_probs_len")
    defaults = {"lengths": WHOLE}
    usage = "waves"

    def graph(self) -> nn.Module:
        return WaveGraph(self.pipeline)

    def arguments(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return wave_BT, lengths_B

    def sherpa(self) -> str | None:
        scaled = getattr(self.pipeline.features, "gain", "") == "unit"
        return "omnilingual" if "<blk>" in self.vocabulary and self.rate == 16000 and scaled else None


class Triton(Waves):
    """A model repository of NVIDIA's Triton, which puts requests of like length together in batches."""

    defaults = {}
    path = "asrx/1/model.onnx"
    usage = "triton"

    def sherpa(self) -> None:
        return None

    def files(self) -> dict[str, str]:
        labels = [len(self.vocabulary)]
        output = labels if isinstance(self.pipeline.objective.decoder, LabelDecoder) else [-1, *labels]
        return {
            "asrx/config.pbtxt": f"""\
name: "asrx"
backend: "onnxruntime"
max_batch_size: 32
input [
  {{ name: "wave" data_type: TYPE_FP32 dims: [ -1 ] }},
  {{ name: "lengths" data_type: TYPE_INT64 dims: [ 1 ] reshape {{ shape: [ ] }} }}
]
output [
  {{ name: "log_probs" data_type: TYPE_FP32 dims: [ {", ".join(map(str, output))} ] }},
  {{ name: "log_probs_len" data_type: TYPE_INT64 dims: [ 1 ] reshape {{ shape: [ ] }} }}
]
dynamic_batching {{ max_queue_delay_microseconds: 5000 }}
instance_group [ {{ kind: KIND_CPU }} ]
"""
        }


class Omnilingual(Form):
    """For sherpa-onnx's `from_omnilingual_asr_ctc`, which scales each waveform to zero mean and unit variance."""

    inputs = {"x": (None, "samples")}
    outputs = ("logits",)
    batched = False
    usage = "omnilingual"

    def __init__(self, cfg: DictConfig, pipeline: Pipeline):
        super().__init__(cfg, pipeline)
        self.needs_ctc("sherpa-onnx")
        if self.rate != 16000:
            raise UserError(f"sherpa-onnx gives waveforms at 16000 Hz, and this model hears {self.rate} Hz.")
        if getattr(pipeline.features, "gain", "") != "unit":
            raise UserError(
                "sherpa-onnx scales each waveform to unit variance, and the answers of this model depend on the level: "
                "train with features.gain=unit, features=kaldi or features=nemo."
            )
        frame = pipeline.hop() / self.rate
        self.repeats = round(frame / OMNILINGUAL_FRAME)
        if abs(self.repeats * OMNILINGUAL_FRAME - frame) > 1e-6:
            raise UserError(
                f"sherpa-onnx takes a frame for {1000 * OMNILINGUAL_FRAME:g} ms, and this model has one each "
                f"{1000 * frame:g} ms, which is no multiple: its times would be wrong."
            )

    def graph(self) -> nn.Module:
        return _Alone(WaveGraph(self.pipeline, self.repeats))

    def arguments(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, ...]:
        wave_BT = wave_BT - wave_BT.mean(1, keepdim=True)
        return (wave_BT / (wave_BT.square().mean(1, keepdim=True) + 1e-5).sqrt(),)

    def sherpa(self) -> str:
        return "omnilingual"

    @property
    def metadata(self) -> dict[str, Any]:
        return super().metadata | {"model_type": "omnilingual-asr"}


class _Alone(nn.Module):
    """One waveform, without its length."""

    def __init__(self, graph: WaveGraph):
        super().__init__()
        self.inner = graph

    def forward(self, wave_BT: torch.Tensor) -> torch.Tensor:
        return self.inner(wave_BT, torch.full((1,), WHOLE))[0]

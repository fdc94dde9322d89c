"""What each engine requires of a model: inputs, outputs, metadata, and what it can take at all.

The requirements are those of sherpa-onnx 2.0 and onnx-asr 0.12, read in their sources and tried.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from omegaconf import DictConfig
from torch import nn

from asrx.decoding.ctc import CTCDecoder
from asrx.export.graphs import WHOLE, FrameGraph, WaveGraph
from asrx.features.kaldi import Kaldi
from asrx.features.nemo import Nemo
from asrx.training.pipeline import Pipeline
from asrx.types import UserError

OMNILINGUAL_FRAME = 0.020  # s, of sherpa-onnx's time stamps
FBANK_STEP = 4  # feature frames to an output frame, of sherpa-onnx's time stamps


class Form(ABC):
    """A way to export.

    Args:
        cfg, pipeline: of the trained model.

    Attributes:
        inputs: the name of each input, with the names of its free axes, as `asrx.export.onnx_file` takes them.
        outputs: names.
        defaults: inputs that may be left out.
        batched: whether more than one utterance is answered at a time.
        path: of the ONNX file in the folder.
        usage: the name of the template in `usage/` that says how the files are used.

    Raises:
        UserError: the engine cannot run such a model.
    """

    inputs: dict[str, tuple[str | None, ...]]
    outputs: tuple[str, ...]
    defaults: dict[str, int] = {}
    batched = True
    path = "model.onnx"
    usage: str

    def __init__(self, cfg: DictConfig, pipeline: Pipeline):
        self.rate, self.pipeline = int(cfg.dataset.sample_rate), pipeline
        if pipeline.readings is not None:
            raise UserError("augment.test reads each utterance several times, which is not exported: train without it.")
        if not pipeline.features.of_sound:
            raise UserError("features=image reads pixels, and what is exported begins with sound.")
        self.vocabulary = [*pipeline.objective.decoder.labels]
        if isinstance(pipeline.objective.decoder, CTCDecoder):
            self.vocabulary.append("<blk>")

    @abstractmethod
    def graph(self) -> nn.Module:
        """What is exported."""

    @abstractmethod
    def arguments(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """What the engine gives to the graph for waveforms in [-1, 1] and their lengths in samples."""

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

    def _needs_ctc(self, engine: str) -> None:
        if not isinstance(self.pipeline.objective.decoder, CTCDecoder):
            raise UserError(f"{engine} runs models of CTC, and this one answers labels: leave out --form.")

    def _step(self) -> int:
        """Feature frames to an output frame."""
        n = self.pipeline.encoder.out_len(1000) or 1
        return round(1000 / n)


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


class Triton(Waves):
    """A model repository of NVIDIA's Triton, which puts requests of like length together in batches."""

    defaults = {}
    path = "asrx/1/model.onnx"
    usage = "triton"

    def files(self) -> dict[str, str]:
        labels = [len(self.vocabulary)]
        output = [-1, *labels] if isinstance(self.pipeline.objective.decoder, CTCDecoder) else labels
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
        self._needs_ctc("sherpa-onnx")
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


class _Frames(Form):
    """For engines that compute the features."""

    features: type
    engine: str
    choice: str
    bins_first: bool

    def __init__(self, cfg: DictConfig, pipeline: Pipeline):
        super().__init__(cfg, pipeline)
        self._needs_ctc(self.engine)
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


class Zipformer(_Frames):
    """For sherpa-onnx's `from_zipformer_ctc`, which computes `features=kaldi`."""

    inputs = {"x": ("batch", "frames", None), "x_lens": ("batch",)}
    outputs = ("log_probs", "log_probs_len")
    features, engine, choice, bins_first = Kaldi, "sherpa-onnx", "train with features=kaldi", False
    usage = "zipformer"

    @property
    def metadata(self) -> dict[str, Any]:
        return super().metadata | {"model_type": "zipformer2_ctc", "subsampling_factor": self._step()}


class NemoCTC(_Frames):
    """For sherpa-onnx's `from_nemo_ctc` and for onnx-asr, which compute `features=nemo`."""

    inputs = {"audio_signal": ("batch", None, "frames"), "length": ("batch",)}
    outputs = ("logprobs", "logprobs_len")
    features, engine, choice, bins_first = Nemo, "This form's engine", "train with features=nemo", True
    usage = "nemo"

    @property
    def metadata(self) -> dict[str, Any]:
        own = {
            "model_type": "EncDecCTCModel",
            "subsampling_factor": self._step(),
            "normalize_type": "",
            "is_giga_am": 0,
        }
        return super().metadata | own

    def config(self) -> dict[str, Any]:
        return {
            "model_type": "nemo-conformer-ctc",
            "features_size": self.pipeline.features.dim,
            "subsampling_factor": self._step(),
        }


def sherpa(cfg: DictConfig, pipeline: Pipeline) -> Form:
    """The form of sherpa-onnx that a model's features go with."""
    return (Zipformer if isinstance(pipeline.features, Kaldi) else Omnilingual)(cfg, pipeline)


FORMS = {"onnx": Waves, "sherpa": sherpa, "nemo": NemoCTC, "triton": Triton}

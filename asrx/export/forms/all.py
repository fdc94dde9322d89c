"""The forms by their names."""

from __future__ import annotations

from omegaconf import DictConfig

from asrx.export.forms.base import Form
from asrx.export.forms.frames import NemoCTC, Zipformer
from asrx.export.forms.stream import NemoStream
from asrx.export.forms.waves import Omnilingual, Triton, Waves
from asrx.features.kaldi import Kaldi
from asrx.training.pipeline import Pipeline


def sherpa(cfg: DictConfig, pipeline: Pipeline) -> Form:
    """The form of sherpa-onnx that a model's features go with."""
    return (Zipformer if isinstance(pipeline.features, Kaldi) else Omnilingual)(cfg, pipeline)


FORMS = {"onnx": Waves, "sherpa": sherpa, "nemo": NemoCTC, "stream": NemoStream, "triton": Triton}

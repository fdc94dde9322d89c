"""What computes log probabilities from waveforms."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
from torch.nn import functional

from asrx.config.saved import config_of
from asrx.evaluation.trained import load_model
from asrx.recognition.exported import check_model, read_decoder, read_facts
from asrx.types import TextDecoder, UserError, reason

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

BATCH_SIZE = 32


class Engine(Protocol):
    """A model in use.

    Attributes:
        sample_rate: of its waveforms, in Hz.
        frame: seconds from one of its outputs to the next.
        decoder: turns what it answers into text.
        most: recordings in a batch.
    """

    sample_rate: int
    frame: float
    decoder: TextDecoder
    most: int = BATCH_SIZE

    @abstractmethod
    def __call__(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Waveforms, float32 in [-1, 1] padded with zeros, and lengths in samples, to log probabilities and lengths in
        frames; see `asrx.types.TextDecoder`."""


class TorchEngine(Engine):
    """A checkpoint, in PyTorch on the CPU.

    Args:
        path: a run folder or a checkpoint; see `load_model`.
        overrides: of the config of a run, such as `decode=beam`.

    Raises:
        UserError: see `load_model` and `config_of`.
    """

    def __init__(self, path: Path, overrides: Sequence[str] = ()):
        cfg, self.pipeline = load_model(path, config_of(path, overrides) if overrides else None)
        if not self.pipeline.objective.writes:
            raise UserError(
                f"{path} makes waveforms and writes no text: name a model that has it in front, features.enhance.run."
            )
        self.sample_rate, self.decoder = cfg.dataset.sample_rate, self.pipeline.objective.decoder
        self.frame = self.pipeline.hop() / self.sample_rate

    @torch.inference_mode()
    def __call__(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        enc_BTD, lengths_B = self.pipeline(wave_BT, lengths_B)
        return self.pipeline.objective.outputs(enc_BTD, lengths_B), lengths_B


class OnnxEngine(Engine):
    """A folder that `asrx export` wrote, in onnxruntime.

    Args:
        folder: of the export.
        threads: that compute one batch; None is onnxruntime's choice.

    Raises:
        UserError: it is no such folder, its files do not go together, or onnxruntime is not installed.
    """

    def __init__(self, folder: Path, threads: int | None = None):
        own = read_facts(folder)
        self.sample_rate, self.frame, self.shortest = own["sample_rate"], float(own["frame"]), own["shortest"]
        self.decoder = read_decoder(folder, own["decoder"])
        self.most = BATCH_SIZE if own["batched"] else 1
        self.session = session(folder / own["model"], threads)
        check_model(folder / own["model"], self.session, self.sample_rate, self.decoder)

    def __call__(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        wave_BT = functional.pad(wave_BT, (0, max(0, self.shortest - wave_BT.shape[1])))  # an engine needs a frame
        outputs = self.session.run(None, {"wave": wave_BT.numpy(), "lengths": lengths_B.numpy()})
        logp, lengths_B = map(torch.from_numpy, outputs)
        return logp, lengths_B


def session(model: Path, threads: int | None = None) -> InferenceSession:
    """An ONNX file in onnxruntime, on the CPU.

    Raises:
        UserError: onnxruntime is not installed, or cannot read the file.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError("onnxruntime is not installed: it is in the extra asrx[export].") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of an input that may be left out
    options.intra_op_num_threads = threads or 0
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of many kinds, which are onnxruntime's own
        raise UserError(f"{model} cannot be read by onnxruntime ({reason(error)}): export it anew.") from error

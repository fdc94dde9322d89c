"""A model that cleans waveforms before features are made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from asrx.checkpoint import read_checkpoint
from asrx.config.build import build
from asrx.config.components import find
from asrx.config.saved import read_config
from asrx.features.tried import features_of
from asrx.masking import zero_padding
from asrx.types import Encoder, UserError

PREFIX = "pipeline."


class Enhancer(nn.Module):
    """A run of `dataset=mixtures` with one source in front of the features, (B, T samples) to (B, T samples).

    What it makes is brought to its share of what came in, as its own level is arbitrary (SI-SDR does not see it).

    Args:
        run: folder of the run, or a checkpoint.
        sample_rate: of the waveforms, in Hz.
        learned: whether it goes on learning with the model behind it.
        made_of: what it takes to make it again, of a checkpoint that has its weights; None reads the run.

    Attributes:
        made_of: the same, plain data.
        kept: whether a checkpoint has its weights; else they were read from the run.

    Raises:
        UserError: there is no such run, it makes no waveform, more than one, or hears another rate.
    """

    def __init__(self, run: str, sample_rate: int, learned: bool = False, made_of: dict[str, Any] | None = None):
        super().__init__()
        weights = None
        if made_of is None or made_of["run"] != run:
            made_of, weights = _read(run)
        self.made_of, self.learned, self.kept = made_of, learned, weights is None
        if (rate := made_of["sample_rate"]) != sample_rate:
            raise UserError(
                f"features.enhance.run={run} hears {rate} Hz, and dataset.sample_rate is {sample_rate}: train one for "
                f"that rate, or say dataset.sample_rate={rate}."
            )
        self.features = features_of(made_of["features"], sample_rate)
        self.encoder = build(made_of["encoder"], nn.Module, Encoder, in_dim=self.features.dim, in_frames=None)
        if self.encoder.dim != 1:
            raise UserError(
                f"features.enhance.run={run} separates {self.encoder.dim} speakers: take a run with "
                "model.encoder.sources=1, or recognise each, python -m asrx evaluate RECOGNISER --separate RUN."
            )
        if weights is not None:
            self.load_state_dict(weights)
        self.requires_grad_(learned)
        self.train(self.training)

    def train(self, mode: bool = True) -> Enhancer:
        """One that learns nothing stays as it is in use."""
        return super().train(mode and self.learned)

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """(B, T) and lengths in samples to (B, T) float32, zeros in the padding."""
        with torch.autocast(wave_BT.device.type, enabled=False):
            made_BT = self.encoder(*self.features(wave_BT.float(), lengths_B))[0][:, :, 0]
            energy_B1 = made_BT.square().sum(1, keepdim=True).clamp_min(1e-10)
            return zero_padding(made_BT * (wave_BT * made_BT).sum(1, keepdim=True) / energy_B1, lengths_B)


def _read(run: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """What a run is made of, and its weights."""
    path = Path(run).expanduser()
    try:
        if path.is_dir():
            path = path / f"{read_config(path).get('tested', 'best')}.ckpt"
        state = read_checkpoint(path)
    except UserError as error:
        raise UserError(f"features.enhance.run={run}: {error}") from error
    cfg = state["asrx"]["config"]
    if getattr(find(cfg["model"]["objective"]["_target_"], nn.Module), "writes", True):
        raise UserError(
            f"features.enhance.run={run} writes text and makes no waveform: take a run of dataset=mixtures with "
            "model=unet or model=conv_tasnet."
        )
    made_of = {
        "run": run,
        "sample_rate": cfg["dataset"]["sample_rate"],
        "features": cfg["features"],
        "encoder": cfg["model"]["encoder"],
    }
    own = {name.removeprefix(PREFIX): weight for name, weight in state["state_dict"].items()}
    return made_of, {name: weight for name, weight in own.items() if name.startswith(("features.", "encoder."))}

"""What an objective is: from text to targets, from encodings to a loss, and back to text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import nn

from asrx.types import Hypothesis, Targets


class Objective(nn.Module, ABC):
    """The task's end of the pipeline. `monitor` names the validation metric that decides which checkpoint is best,
    unless the config names another; `modes` says of each metric whether `min` or `max` is better. `labels` are the
    output's names, and belong to the checkpoint. `of_mean` says that their mean over time is
    all it looks at, so that encodings of several readings can be averaged."""

    monitor: str
    modes: dict[str, str]
    labels: list[str]
    of_mean = False

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Text to target ids. Raises ValueError, in words, where the text cannot be a target."""

    @abstractmethod
    def text(self, target: Sequence[int]) -> str:
        """Target ids back to the text they stand for, as references are written."""

    @abstractmethod
    def feasible(self, n_frames: int, target: Sequence[int]) -> bool:
        """Whether `n_frames` encoder frames can carry the target."""

    @abstractmethod
    def loss(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, targets: Targets) -> torch.Tensor:
        """One loss per utterance, (B,) float32."""

    @abstractmethod
    def decode(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor) -> list[Hypothesis]:
        """One answer per utterance."""

    @abstractmethod
    def metrics(self):
        """A fresh accumulator of (reference, hypothesis) texts: see asrx.metrics."""

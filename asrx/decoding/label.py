"""From the log probabilities of labels to the best one."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from asrx.decoding.greedy import Greedy
from asrx.types import Hypothesis, Span, TextDecoder


class LabelDecoder(TextDecoder):
    """Takes the most probable label.

    Args:
        labels: in the order of the outputs.
        temperature: what log probabilities are divided by for confidences.
    """

    search = Greedy()
    searches = (Greedy,)

    def __init__(self, labels: Sequence[str], temperature: float = 1.0):
        self.labels, self.temperature = list(labels), temperature
        self.ids = {label: i for i, label in enumerate(labels)}

    def __call__(self, logp: torch.Tensor, lengths_B: torch.Tensor) -> list[Hypothesis]:
        best = logp.max(-1)
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [Hypothesis(self.labels[i], score) for i, score in pairs]

    def explain(self, logp: torch.Tensor, text: str) -> tuple[float, list[Span]]:
        """The label's probability; a label has no words."""
        return float((logp / self.temperature).softmax(-1)[self.ids[text]]), []

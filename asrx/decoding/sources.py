"""The decoder of objectives that answer with waveforms."""

from __future__ import annotations

import torch

from asrx.decoding.greedy import Greedy
from asrx.types import Hypothesis, Span, TextDecoder


class SourceDecoder(TextDecoder):
    """Writes nothing: what was made of a mixture is sound."""

    labels: list[str] = []
    temperature = 1.0
    search = Greedy()
    searches = (Greedy,)

    def __call__(self, outputs: torch.Tensor, lengths_B: torch.Tensor) -> list[Hypothesis]:
        return [Hypothesis("", 0.0) for _ in lengths_B]

    def explain(self, outputs: torch.Tensor, text: str) -> tuple[float, list[Span]]:
        return 0.0, []

"""From the log probabilities of CTC to transcripts."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from asrx.decoding.greedy import Greedy
from asrx.decoding.spans import aligned, words
from asrx.types import Hypothesis, Search, Span, TextDecoder


class CTCDecoder(TextDecoder):
    """Writes what CTC says; the blank is the last output.

    Args:
        labels: the characters, in the order of the outputs.
        search: how the text is looked for, the config's `decode`; None takes the best path.
        temperature: what log probabilities are divided by for confidences.
    """

    searches = (Search,)

    def __init__(self, labels: Sequence[str], search: Search | None = None, temperature: float = 1.0):
        self.labels, self.search, self.temperature = list(labels), search or Greedy(), temperature
        self.ids = {label: i for i, label in enumerate(labels)}
        self.blank = len(self.labels)

    def __call__(self, logp: torch.Tensor, lengths_B: torch.Tensor) -> list[Hypothesis]:
        tokens, scores = self.search(logp, lengths_B, self.blank)
        texts = ("".join(self.labels[i] for i in ids) for ids in tokens)
        return [Hypothesis(text, score) for text, score in zip(texts, scores, strict=True)]

    def explain(self, logp: torch.Tensor, text: str) -> tuple[float, list[Span]]:
        """The share of words that should be right, and the words in the most probable alignment of the text.

        A word's confidence is the geometric mean of its characters' probabilities, each in its best frame; that of an
        empty text is the geometric mean of the blank's.
        """
        logp = (logp / self.temperature).log_softmax(-1)
        confidence, found = words(text, aligned(logp, [self.ids[character] for character in text], self.blank))
        return (confidence, found) if found else (float(logp[:, self.blank].mean().exp()), [])

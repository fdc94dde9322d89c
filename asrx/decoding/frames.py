"""From the log probabilities of characters, one for each frame, to transcripts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from asrx.decoding.greedy import Greedy
from asrx.types import Hypothesis, Span, TextDecoder

PAD = "<pad>"


class FrameDecoder(TextDecoder):
    """Writes the most probable character of each of the first frames, and nothing for padding.

    Args:
        labels: the characters, in the order of the outputs, and `<pad>`.
        length: how many frames are read.
        temperature: what log probabilities are divided by for confidences.
    """

    search = Greedy()
    searches = (Greedy,)

    def __init__(self, labels: Sequence[str], length: int, temperature: float = 1.0):
        self.labels, self.length, self.temperature = list(labels), length, temperature
        self.ids = {label: i for i, label in enumerate(labels)}

    def __call__(self, outputs: torch.Tensor, lengths_B: torch.Tensor) -> list[Hypothesis]:
        best = outputs[:, : self.length].max(-1)
        found = []
        for ids, scores, n in zip(best.indices.tolist(), best.values.tolist(), lengths_B.tolist(), strict=True):
            characters = [self.labels[i] for i in ids[:n]]
            text = " ".join("".join(c for c in characters if c != PAD).split())
            found.append(Hypothesis(text, sum(scores[:n])))
        return found

    def explain(self, outputs: torch.Tensor, text: str) -> tuple[float, list[Span]]:
        """The share of words that should be right, and the words, each character in its frame."""
        logp_TV = (outputs / self.temperature).log_softmax(-1)
        words, place = [], 0
        for word in text.split():
            ends = place, min(place + len(word), len(logp_TV))
            logps = [logp_TV[at, self.ids[word[at - place]]] for at in range(*ends)]
            words.append(Span(word, *ends, math.exp(sum(logps) / max(len(logps), 1))))
            place = ends[1] + 1
        return sum(word.confidence for word in words) / max(len(words), 1), words

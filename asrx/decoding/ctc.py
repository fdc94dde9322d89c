"""From the log probabilities of CTC to transcripts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

import torch

from asrx.decoding.greedy import Greedy
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
        words = self._words(logp, text)
        if not words:
            return float(logp[:, self.blank].mean().exp()), []
        return sum(word.confidence for word in words) / len(words), words

    def _words(self, logp_TV: torch.Tensor, text: str) -> list[Span]:
        characters, words, place = self._characters(logp_TV, text), [], 0
        for word in text.split(" "):
            own = characters[place : place + len(word)]
            place += len(word) + 1
            if own:
                starts, ends, logps = zip(*own, strict=True)
                words.append(Span(word, starts[0], ends[-1], math.exp(sum(logps) / len(own))))
        return words

    def _characters(self, logp_TV: torch.Tensor, text: str) -> list[tuple[int, int, float]]:
        """First frame, end and best log probability of each character."""
        from torchaudio.functional import forced_align

        if not text:
            return []
        ids_1U = torch.tensor([[self.ids[character] for character in text]])
        path_1T, logp_1T = forced_align(logp_TV[None], ids_1U, blank=self.blank)
        characters, end = [], 0
        for token, group in groupby(zip(path_1T[0].tolist(), logp_1T[0].tolist(), strict=True), key=itemgetter(0)):
            logps = [logp for _, logp in group]
            start, end = end, end + len(logps)
            if token != self.blank:
                characters.append((start, end, max(logps)))
        return characters

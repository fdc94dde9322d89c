"""From the log probabilities of CTC to transcripts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

import torch

from asrx.decoding.beam import beam
from asrx.decoding.greedy import greedy
from asrx.types import Hypothesis, Span, TextDecoder, UserError


class CTCDecoder(TextDecoder):
    """Writes what CTC says; the blank is the last output.

    Args:
        labels: the characters, in the order of the outputs.
        beam: 1 takes the best path; more is the width of a prefix beam search. A score is then the log probability of
            the text, over all its alignments, instead of the path's.
        temperature: what log probabilities are divided by for confidences.

    Raises:
        UserError: `beam` is below 1.
    """

    def __init__(self, labels: Sequence[str], beam: int = 1, temperature: float = 1.0):
        if not isinstance(beam, int) or beam < 1:
            raise UserError(f"model.objective.beam={beam} should be a whole number from 1, which is greedy decoding.")
        self.labels, self.beam, self.temperature = list(labels), beam, temperature
        self.ids = {label: i for i, label in enumerate(labels)}
        self.blank = len(self.labels)

    def __call__(self, logp: torch.Tensor, lengths_B: torch.Tensor) -> list[Hypothesis]:
        if self.beam == 1:
            tokens, scores = greedy(logp, lengths_B, self.blank)
        else:
            tokens, scores = beam(logp, lengths_B, self.blank, self.beam)
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

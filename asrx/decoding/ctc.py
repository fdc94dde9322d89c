"""From the log probabilities of CTC to transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch

from asrx.decoding.greedy import Greedy
from asrx.decoding.spans import Spelt, aligned
from asrx.types import Hypothesis, Search, Span, TextDecoder
from asrx.vocabularies.base import Vocabulary
from asrx.vocabularies.characters import CharacterVocabulary


class CTCDecoder(TextDecoder):
    """Writes what CTC says; the blank is the last output.

    Args:
        labels: the tokens, in the order of the outputs.
        search: how the text is looked for, the config's `decode`; None takes the best path.
        temperature: what log probabilities are divided by for confidences.
        vocabulary: whose tokens they are; None are characters.
    """

    searches = (Search,)

    def __init__(
        self,
        labels: Sequence[str],
        search: Search | None = None,
        temperature: float = 1.0,
        vocabulary: Vocabulary | None = None,
    ):
        self.labels, self.search, self.temperature = list(labels), search or Greedy(), temperature
        self.vocabulary = vocabulary or CharacterVocabulary(labels)
        self.blank = len(self.labels)

    def __call__(self, logp: torch.Tensor, lengths_B: torch.Tensor) -> list[Hypothesis]:
        tokens, scores = self.search(logp, lengths_B, self.blank)
        pairs = zip(tokens, scores, strict=True)
        return [Hypothesis(self.vocabulary.text(ids), score) for ids, score in pairs]

    def explain(self, logp: torch.Tensor, text: str) -> tuple[float, list[Span]]:
        """The share of words that should be right, and the words in the most probable alignment of the text.

        A word's confidence is the geometric mean of its tokens' probabilities, each in its best frame; that of an empty
        text is the geometric mean of the blank's. A text that is spelt with more tokens than there are frames for has
        none, and no words.
        """
        logp = (logp / self.temperature).log_softmax(-1)
        spelt = Spelt(self.vocabulary, text)
        if spelt.ids and len(logp) < len(spelt.ids) + sum(a == b for a, b in pairwise(spelt.ids)):
            return 0.0, []
        confidence, found = spelt.spans(aligned(logp, spelt.ids, self.blank))
        return (confidence, found) if found else (float(logp[:, self.blank].mean().exp()), [])

"""Word and character error rates."""

from __future__ import annotations

from math import nan

import jiwer
import torch

from asrx.vocabularies.base import spoken

KINDS = ("substitutions", "insertions", "deletions")


class ErrorRate:
    """Sums of the edit operations between references and hypotheses, in words and in characters; marks are neither.

    `counts` is an int64 tensor, so that the sum over processes is exact; the distances are jiwer's.

    >>> errors = ErrorRate()
    >>> errors.update(["one two"], ["one"])
    >>> errors.compute()["wer"]
    0.5
    """

    kind = "error_rate"
    modes = {"wer": "min", "cer": "min"}

    def __init__(self):
        self.counts = torch.zeros(2 * len(KINDS) + 3, dtype=torch.int64)

    def update(self, references: list[str], hypotheses: list[str]) -> None:
        """Add utterances; a reference must not be empty."""
        references, hypotheses = ([spoken(text) for text in texts] for texts in (references, hypotheses))
        words, chars = jiwer.process_words(references, hypotheses), jiwer.process_characters(references, hypotheses)
        row = [getattr(result, kind) for result in (words, chars) for kind in KINDS]
        totals = [result.hits + result.substitutions + result.deletions for result in (words, chars)]
        self.counts += torch.tensor([*row, *totals, len(references)])

    def compute(self) -> dict[str, float]:
        """WER and CER as shares (not per cent), NaN without utterances, and what they are made of."""
        *row, words, characters, utterances = self.counts.tolist()
        names = [f"{unit}_{kind}" for unit in ("word", "char") for kind in KINDS]
        rates = {"wer": sum(row[:3]) / words, "cer": sum(row[3:]) / characters} if words else {"wer": nan, "cer": nan}
        return (
            rates
            | dict(zip(names, row, strict=True))
            | {"words": words, "characters": characters, "utterances": utterances}
        )

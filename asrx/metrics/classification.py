"""Accuracy and F1 of a closed set of labels."""

from __future__ import annotations

from math import nan

import torch


class Classification:
    """Confusion counts of labels: `counts[i, j]` is how often label i was answered with label j (int64).

    >>> scores = Classification(["no", "yes"])
    >>> scores.update(["no", "no", "yes"], ["no", "yes", "yes"])
    >>> round(scores.compute()["accuracy"], 3)
    0.667
    """

    kind = "classification"
    modes = {"accuracy": "max", "micro_f1": "max", "macro_f1": "max"}

    def __init__(self, labels: list[str]):
        self.ids = {label: i for i, label in enumerate(labels)}
        self.counts = torch.zeros(len(labels), len(labels), dtype=torch.int64)

    def update(self, references: list[str], hypotheses: list[str]) -> None:
        """Add utterances; both texts must be labels."""
        pairs = [(self.ids[r], self.ids[h]) for r, h in zip(references, hypotheses, strict=True)]
        ids = torch.tensor(pairs).T
        self.counts.index_put_((ids[0], ids[1]), torch.ones(len(pairs), dtype=torch.int64), accumulate=True)

    def compute(self) -> dict[str, float]:
        """Accuracy, micro F1 (equal to it, one label per utterance) and macro F1 over the labels that occur."""
        hits_V, said_V, heard_V = self.counts.diag(), self.counts.sum(1), self.counts.sum(0)
        occurs_V = said_V + heard_V > 0
        f1_V = 2 * hits_V / (said_V + heard_V).clamp_min(1)
        total = int(self.counts.sum())
        accuracy = int(hits_V.sum()) / total if total else nan
        macro = float(f1_V[occurs_V].double().mean())  # NaN without utterances
        return {"accuracy": accuracy, "micro_f1": accuracy, "macro_f1": macro, "utterances": total}

"""One label per utterance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from asrx.decoding.label import LabelDecoder
from asrx.masking import mean
from asrx.metrics.classification import Classification
from asrx.types import Objective, Targets, UserError


class CrossEntropy(nn.Module, Objective):
    """Cross-entropy over the mean of the encodings.

    Args:
        in_dim: encoder width D.
        texts: the training texts; each distinct one is a label.
        labels: those of another objective, in their order, instead of the texts.
        label_smoothing: share of the target's probability that is spread over all labels.
        max_labels: more distinct texts than this are taken for transcripts, and refused.

    Raises:
        UserError: the texts are not labels.
    """

    monitor = "val/accuracy"
    of_mean = True
    modes = Classification.modes

    def __init__(
        self,
        in_dim: int,
        texts: Sequence[str] = (),
        labels: Sequence[str] | None = None,
        label_smoothing: float = 0.0,
        max_labels: int = 1000,
    ):
        super().__init__()
        self.decoder = LabelDecoder(_labels(texts, max_labels) if labels is None else labels)
        self.label_smoothing = label_smoothing
        self.head = nn.Linear(in_dim, len(self.decoder.labels))

    def encode(self, text: str) -> list[int]:
        label = " ".join(text.split())
        if not label:
            raise ValueError("the label is empty")
        if label not in self.decoder.ids:
            raise ValueError(f"the label {label!r} is not in the training part")
        return [self.decoder.ids[label]]

    def text(self, target: Sequence[int]) -> str:
        return self.decoder.labels[target[0]]

    def feasible(self, n_frames: int, target: Sequence[int]) -> bool:
        return n_frames >= 1

    def loss(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, targets: Targets) -> torch.Tensor:
        ids_B = targets.ids_BU[:, 0]
        logits_BV = self._logits(enc_BTD, lengths_B)
        return functional.cross_entropy(logits_BV, ids_B, reduction="none", label_smoothing=self.label_smoothing)

    def outputs(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """Of every label, in the decoder's order: (B, V) float32."""
        return self._logits(enc_BTD, lengths_B).log_softmax(-1)

    def metrics(self) -> Classification:
        return Classification(self.decoder.labels)

    def _logits(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        return self.head(mean(enc_BTD, lengths_B)).float()


def _labels(texts: Sequence[str], most: int) -> list[str]:
    labels = sorted({" ".join(text.split()) for text in texts} - {""})
    if len(labels) > most or 2 * len(labels) > len(texts) > 20:
        raise UserError(
            f"model/objective=cross_entropy sorts utterances into labels, but the {len(texts)} training texts hold "
            f"{len(labels)} different ones (such as {labels[0]!r}): choose model=crnn_ctc for transcripts."
        )
    return labels

"""What a transducer has beside its encoder: a predictor and a joiner."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class TransducerNetwork(nn.Module):
    """A predictor that hears the last tokens alone (Ghodsi et al. 2020, https://doi.org/10.1109/ICASSP40776.2020.9054419)
    and a joiner (Graves 2012, https://arxiv.org/abs/1211.3711).

    Args:
        in_dim: width of the encodings.
        tokens: V, how many there are; the blank is one more, the last.
        width: of both parts.
        context: tokens that the predictor hears, C.
        dropout: of what the predictor says.
    """

    def __init__(self, in_dim: int, tokens: int, width: int, context: int, dropout: float):
        super().__init__()
        self.blank, self.context = tokens, context
        self.embedding = nn.Embedding(tokens + 1, width)  # the blank's stands before the beginning
        self.mix = nn.Conv1d(width, width, context, groups=width)
        self.dropout = nn.Dropout(dropout)
        self.predict, self.hear = nn.Linear(width, width), nn.Linear(in_dim, width)
        self.head = nn.Linear(width, tokens + 1)

    def heard(self, enc_BTD: torch.Tensor) -> torch.Tensor:
        """The encodings' part of the joiner, (B, T, W)."""
        return self.hear(enc_BTD)

    def predicted(self, ids_NU: torch.Tensor) -> torch.Tensor:
        """The predictor's part after each token from the C-th on, (N, U - C + 1, W)."""
        mixed_NWU = self.mix(self.embedding(ids_NU).transpose(1, 2))
        return self.predict(self.dropout(mixed_NWU.transpose(1, 2).relu()))

    def along(self, ids_BU: torch.Tensor) -> torch.Tensor:
        """The predictor's part before each token of whole texts and after the last, (B, U + 1, W)."""
        return self.predicted(functional.pad(ids_BU, (self.context, 0), value=self.blank))

    def joined(self, heard: torch.Tensor, predicted: torch.Tensor) -> torch.Tensor:
        """Logits of tokens and the blank, (..., V + 1), of both parts (..., W)."""
        return self.head((heard + predicted).tanh())

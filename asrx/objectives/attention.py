"""A decoder that spells the transcript, looking at encodings, alone or together with CTC."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from asrx.decoding.attention import AttentionDecoder
from asrx.masking import zero_padding
from asrx.models.transformer_decoder import TransformerDecoder
from asrx.objectives.ctc import CTC
from asrx.objectives.transcribing import Transcribing
from asrx.types import Targets, UserError
from asrx.vocabularies.base import Recipe, Vocabulary


class Attention(Transcribing):
    """Attention encoder-decoder (Chan et al. 2016, https://arxiv.org/abs/1508.01211), with a transformer as the decoder
    (https://arxiv.org/abs/1910.10352).

    The loss is the cross-entropy of each next character and of the end, in float32, per utterance, and divided by how
    many they are.

    Args:
        in_dim: encoder width D.
        alphabet, lowercase, drop, vocabulary, texts, kept: see `Transcribing`.
        width, heads, layers, expansion, dropout: see `TransformerDecoder`.
        label_smoothing: share of the target's probability that is spread over all characters while training.
        ctc_weight: above 0, joint CTC/attention (Kim et al. 2017, https://arxiv.org/abs/1609.06773): CTC over the same
            encodings, and its weight, both in the loss and in what decoding looks for.

    Raises:
        UserError: the heads do not divide the width; smoothing or the weight is not from 0 to below 1.
    """

    def __init__(
        self,
        in_dim: int,
        alphabet: str | None = None,
        lowercase: bool = True,
        width: int = 256,
        heads: int = 4,
        layers: int = 2,
        expansion: int = 4,
        dropout: float = 0.1,
        label_smoothing: float = 0.1,
        ctc_weight: float = 0.0,
        drop: str = "",
        vocabulary: Recipe | None = None,
        texts: Sequence[str] = (),
        kept: Vocabulary | None = None,
    ):
        super().__init__(alphabet, lowercase, drop, vocabulary, texts, kept)
        for name, share in (("label_smoothing", label_smoothing), ("ctc_weight", ctc_weight)):
            if not 0 <= share < 1:
                raise UserError(f"model.objective.{name}={share} should be from 0 to below 1.")
        self.network = TransformerDecoder(in_dim, len(self.vocabulary.labels), width, heads, layers, expansion, dropout)
        self.ctc = CTC(in_dim, kept=self.vocabulary) if ctc_weight else None
        self.decoder = AttentionDecoder(self.network, self.vocabulary, self.ctc, ctc_weight)
        self.label_smoothing, self.ctc_weight = label_smoothing, ctc_weight

    def feasible(self, n_frames: int, target: Sequence[int]) -> bool:
        """No text has more characters than there are frames, as decoding ends there."""
        return self.ctc.feasible(n_frames, target) if self.ctc else n_frames >= len(target)

    def loss(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, targets: Targets) -> torch.Tensor:
        logits_BUV, _ = self.network(enc_BTD, lengths_B, targets.ids_BU)
        u = targets.lengths_B
        next_BU = functional.pad(targets.ids_BU, (0, 1)).scatter(1, u[:, None], self.network.end)
        smoothing = self.label_smoothing if self.training else 0.0
        losses_BU = functional.cross_entropy(
            logits_BUV.float().transpose(1, 2), next_BU, reduction="none", label_smoothing=smoothing
        )
        attention_B = zero_padding(losses_BU, u + 1).sum(1) / (u + 1)
        if not self.ctc:
            return attention_B
        ctc_B = self.ctc.loss(enc_BTD, lengths_B, targets)
        return self.ctc_weight * ctc_B + (1 - self.ctc_weight) * attention_B

    def outputs(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """The encodings, which the decoder's network goes on with."""
        return enc_BTD

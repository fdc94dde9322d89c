"""Connectionist temporal classification."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log

import torch
from torch import nn
from torch.nn import functional

from asrx.decoding.ctc import CTCDecoder
from asrx.masking import valid, zero_padding
from asrx.objectives.transcribing import Transcribing
from asrx.types import Targets, UserError
from asrx.vocabularies.base import Recipe, Vocabulary


class CTC(Transcribing):
    """CTC (Graves et al. 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf).

    The blank is the last output. The loss is computed in float32, per utterance, and divided by the number of tokens of
    the target.

    Args:
        in_dim: encoder width D.
        alphabet, lowercase, drop, vocabulary, texts, kept: see `Transcribing`.
        layer_norm: whether the encodings are normalised before the output layer. CTC leaves its first plateau, all
            blanks, in about a quarter of the steps with it.
        consistency: weight of CR-CTC's term (Yao et al. 2024, https://arxiv.org/abs/2410.05101): every training
            utterance is masked in two ways, each of which is to say what the other says. 0 is CTC alone; theirs is 0.2.
        inner: share of the loss that is taken where half of the encoder's layers have been gone through, by the same
            output layer: InterCTC (Lee and Watanabe 2021, https://arxiv.org/abs/2102.03216), where it is 0.3.
        label_smoothing: share of the loss that is not CTC's but how far each frame is from saying everything alike,
            KL(p, uniform) summed over frames (Kim et al. 2017, https://arxiv.org/abs/1711.02212).

    Raises:
        UserError: no vocabulary can be made; `consistency` is below 0; `inner` or `label_smoothing` is no share.
    """

    def __init__(
        self,
        in_dim: int,
        alphabet: str | None = None,
        lowercase: bool = True,
        layer_norm: bool = True,
        consistency: float = 0.0,
        inner: float = 0.0,
        label_smoothing: float = 0.0,
        drop: str = "",
        vocabulary: Recipe | None = None,
        texts: Sequence[str] = (),
        kept: Vocabulary | None = None,
    ):
        super().__init__(alphabet, lowercase, drop, vocabulary, texts, kept)
        self.decoder = CTCDecoder(self.vocabulary.labels, vocabulary=self.vocabulary)
        if not consistency >= 0:
            raise UserError(f"model.objective.consistency={consistency} should be 0 or more.")
        for name, share in (("inner", inner), ("label_smoothing", label_smoothing)):
            if not 0 <= share < 1:
                raise UserError(f"model.objective.{name}={share} should be from 0 to below 1.")
        self.consistency, self.views = consistency, 1 + (consistency > 0)
        self.inner, self.label_smoothing = inner, label_smoothing
        self.norm = nn.LayerNorm(in_dim) if layer_norm else nn.Identity()
        self.head = nn.Linear(in_dim, len(self.vocabulary.labels) + 1)

    def feasible(self, n_frames: int, target: Sequence[int]) -> bool:
        """CTC needs one frame per token and one blank between equal neighbours."""
        return n_frames >= len(target) + sum(a == b for a, b in pairwise(target))

    def loss(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, targets: Targets) -> torch.Tensor:
        logp_BTV = self.outputs(enc_BTD, lengths_B)
        losses_B = functional.ctc_loss(
            logp_BTV.transpose(0, 1),
            targets.ids_BU,
            lengths_B,
            targets.lengths_B,
            blank=self.decoder.blank,
            reduction="none",
        )
        if self.label_smoothing and self.training:
            sure_BT = (logp_BTV.exp() * logp_BTV).sum(2) + log(logp_BTV.shape[2])
            sure_B = (sure_BT * valid(lengths_B, sure_BT.shape[1])).sum(1)
            losses_B = (1 - self.label_smoothing) * losses_B + self.label_smoothing * sure_B
        return losses_B / targets.lengths_B

    def disagreement(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, targets: Targets) -> torch.Tensor:
        logp_BTV = zero_padding(self.outputs(enc_BTD, lengths_B), lengths_B)
        other_BTV = logp_BTV.roll(len(logp_BTV) // 2, 0).detach()
        apart_B = functional.kl_div(logp_BTV, other_BTV, reduction="none", log_target=True).sum((1, 2))
        return self.consistency * apart_B / targets.lengths_B

    def outputs(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        with torch.autocast(enc_BTD.device.type, enabled=False):
            return self.head(self.norm(enc_BTD.float())).log_softmax(-1)

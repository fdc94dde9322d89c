"""A transducer: what is written next depends on what is heard and on what was written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch.utils.checkpoint import checkpoint

from asrx.decoding.transducer import TransducerDecoder
from asrx.models.transducer import TransducerNetwork
from asrx.objectives.transcribing import Transcribing
from asrx.types import Targets, UserError
from asrx.vocabularies.base import Recipe, Vocabulary


class Transducer(Transcribing):
    """Transducer (Graves 2012, https://arxiv.org/abs/1211.3711) with torchaudio's loss.

    The loss is computed in float32, per utterance, and divided by the number of target characters.

    Args:
        in_dim: encoder width D.
        alphabet, lowercase, drop, vocabulary, texts, kept: see `Transcribing`.
        width, context, dropout: see `TransducerNetwork`.
        symbols: the most characters that decoding writes in an encoder frame.
        logits: the most of them, frames x (characters + 1) x outputs, that are held at a time; a batch is gone through
            in parts that keep to it, and where one utterance is larger, by itself.

    Raises:
        UserError: a number is below 1.
    """

    def __init__(
        self,
        in_dim: int,
        alphabet: str | None = None,
        lowercase: bool = True,
        width: int = 256,
        context: int = 2,
        dropout: float = 0.1,
        symbols: int = 3,
        logits: int = 2**25,
        drop: str = "",
        vocabulary: Recipe | None = None,
        texts: Sequence[str] = (),
        kept: Vocabulary | None = None,
    ):
        super().__init__(alphabet, lowercase, drop, vocabulary, texts, kept)
        for name, value in (("context", context), ("symbols", symbols), ("logits", logits)):
            if value < 1:
                raise UserError(f"model.objective.{name}={value} should be 1 or more.")
        self.network = TransducerNetwork(in_dim, len(self.vocabulary.labels), width, context, dropout)
        self.decoder = TransducerDecoder(self.network, self.vocabulary, symbols)
        self.logits = logits

    def feasible(self, n_frames: int, target: Sequence[int]) -> bool:
        return len(target) <= self.decoder.symbols * n_frames

    def loss(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, targets: Targets) -> torch.Tensor:
        heard_BTW, said_BUW = self.network.heard(enc_BTD), self.network.along(targets.ids_BU)
        parts = []
        for part in self._parts(lengths_B.tolist(), targets.lengths_B.tolist()):
            own = (heard_BTW[part], said_BUW[part], lengths_B[part], targets.ids_BU[part], targets.lengths_B[part])
            parts.append(checkpoint(self._loss, *own, use_reentrant=False))
        return torch.cat(parts) / targets.lengths_B

    def outputs(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """The encodings, which the decoder's network goes on with."""
        return enc_BTD

    def _parts(self, frames: Sequence[int], tokens: Sequence[int]) -> Iterator[slice]:
        """Utterances side by side whose logits, padding included, are no more than may be held."""
        start = t = u = 0
        for i, (own_t, own_u) in enumerate(zip(frames, tokens, strict=True)):
            t, u = max(t, own_t), max(u, own_u)
            if i > start and (i + 1 - start) * t * (u + 1) * (self.network.blank + 1) > self.logits:
                yield slice(start, i)
                start, t, u = i, own_t, own_u
        yield slice(start, len(frames))

    def _loss(
        self,
        heard_BTW: torch.Tensor,
        said_BUW: torch.Tensor,
        lengths_B: torch.Tensor,
        ids_BU: torch.Tensor,
        n_B: torch.Tensor,
    ) -> torch.Tensor:
        from torchaudio.functional import rnnt_loss

        t, u = int(lengths_B.max()), int(n_B.max())
        with torch.autocast(heard_BTW.device.type, enabled=False):
            logits_BTUV = self.network.joined(heard_BTW[:, :t, None].float(), said_BUW[:, None, : u + 1].float())
            own = (x.int().contiguous() for x in (ids_BU[:, :u], lengths_B, n_B))
            return rnnt_loss(logits_BTUV, *own, blank=self.network.blank, reduction="none")

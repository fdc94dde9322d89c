"""Transcripts in sentencepiece's subwords."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

from asrx.types import UserError, reason
from asrx.vocabularies.base import Recipe, Vocabulary, joined, marks

UNKNOWN = 0  # sentencepiece's id of what it cannot write, which is no label here


class SubwordVocabulary(Vocabulary):
    """The pieces of a sentencepiece model (Kudo and Richardson 2018, https://arxiv.org/abs/1808.06226).

    Args:
        model: the serialised model, in base64.
    """

    unit = "subwords"

    def __init__(self, model: str):
        from sentencepiece import SentencePieceProcessor

        self.model = model
        self.processor = SentencePieceProcessor(model_proto=base64.b64decode(model))
        self.labels = [self.processor.id_to_piece(i) for i in range(1, self.processor.get_piece_size())]

    def spell(self, word: str) -> list[int]:
        ids = self.processor.encode(word)
        if UNKNOWN in ids:
            strange = sorted({c for c in word if UNKNOWN in self.processor.encode(c)})
            raise ValueError(f"characters that the training part does not have: {' '.join(map(repr, strange))}")
        return [i - 1 for i in ids]

    def text(self, ids: Sequence[int]) -> str:
        return joined([self.labels[i] for i in ids])


@dataclass(frozen=True)
class Subwords(Recipe):
    """A sentencepiece model of the training part: the same texts give the same model.

    Args:
        size: how many pieces; fewer where the texts have no more.
        kind: `unigram` or `bpe`.
    """

    size: int = 100
    kind: str = "unigram"

    def made(self, texts: Sequence[str], alphabet: str | None) -> SubwordVocabulary:
        from sentencepiece import SentencePieceTrainer

        if self.kind not in ("unigram", "bpe"):
            raise UserError(f"model.objective.vocabulary.kind={self.kind} is neither unigram nor bpe.")
        if self.size < 2:
            raise UserError(f"model.objective.vocabulary.size={self.size} should be a whole number from 2.")
        model = io.BytesIO()
        try:
            SentencePieceTrainer.train(
                sentence_iterator=iter(sorted(text for text in texts if text)),
                model_writer=model,
                vocab_size=self.size + 1,
                model_type=self.kind,
                hard_vocab_limit=False,
                normalization_rule_name="identity",  # texts have their form
                character_coverage=1.0,
                user_defined_symbols=marks(texts),
                unk_id=UNKNOWN,
                bos_id=-1,
                eos_id=-1,
                pad_id=-1,
                num_threads=1,
                max_sentence_length=1 << 20,
                minloglevel=2,
            )
        except (RuntimeError, OSError) as error:  # such as a size below the number of characters
            raise UserError(
                f"model.objective.vocabulary.size={self.size} gives no subwords of the training transcripts "
                f"({reason(error)}): choose another size."
            ) from error
        return SubwordVocabulary(base64.b64encode(model.getvalue()).decode())

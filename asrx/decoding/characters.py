"""A beam search of CTC over all texts, with a language model of characters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch

from asrx.decoding.flashlight import FAR, LN10, FlashlightSearch, best, decoder_module, header, kenlm, speaking
from asrx.language.tokens import SPACE
from asrx.types import UserError

NO_SILENCE = -1  # a space is scored as every character is


class CharacterSearch(FlashlightSearch):
    """flashlight's decoder without a lexicon. A score is the text's log probability with what the language model adds;
    it is summed over the alignments that the beam holds.

    Args:
        labels: the characters.
        lm: an ARPA file of characters, in which `<space>` is the space.
        lm_weight: of the natural logarithm of its probabilities.
        beam: texts kept after each frame.

    Raises:
        UserError: flashlight-text is not installed, or the file cannot be used.
    """

    units = ("characters",)

    def __init__(self, labels: Sequence[str], lm: str, lm_weight: float = 0.5, beam: int = 50):
        if beam < 1:
            raise UserError(f"decode.beam={beam} should be a whole number from 1.")
        base, names = decoder_module(), [SPACE if label == " " else label for label in labels]
        found = header(lm).words
        if 2 * len(found & set(names)) < len(found):
            raise UserError(
                f"decode.lm={lm} is of another vocabulary: {len(found - set(names))} of its {len(found)} tokens, such "
                f"as {min(found - set(names))}, are no characters of this model; asrx lm TEXT --tokens characters "
                "makes one, and decode=lm takes one of words."
            )
        # what an export makes it of again
        self.labels, self.lm, self.lm_weight, self.beam = list(labels), lm, lm_weight, beam
        self.language = kenlm(lm, names)  # flashlight holds what it is given by pointers alone
        options = base.LexiconFreeDecoderOptions(
            beam_size=beam,
            beam_size_token=len(labels) + 1,
            beam_threshold=FAR,
            lm_weight=lm_weight * LN10,
            sil_score=0.0,
            log_add=True,
            criterion_type=base.CriterionType.CTC,
        )
        self.decoder = base.LexiconFreeDecoder(options, self.language, NO_SILENCE, len(labels), [])

    def one(self, logp_TV: torch.Tensor, blank: int) -> tuple[list[int], float]:
        if not len(logp_TV):
            return [], 0.0
        logp_TV, silent = speaking(logp_TV, blank)
        result = best(self.decoder, logp_TV)
        path = result.tokens[1:-1]  # without the silence that flashlight begins and ends with
        return [token for token, _ in groupby(path) if token != blank], result.score + silent

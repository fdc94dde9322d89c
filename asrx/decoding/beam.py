"""Prefix beam search of CTC."""

from __future__ import annotations

import math

import torch

from asrx.masking import valid
from asrx.types import Search, UserError

# names of the empty prefix, of its parent and of a place in the beam that holds no prefix; all others are hashes
EMPTY, NO_PARENT, NO_PREFIX = 0, 1, 2


class Beam(Search):
    """Takes the text whose alignments are together the most probable; a score is that text's log probability.

    Args:
        beam: prefixes kept after each frame, from 2.

    Raises:
        UserError: `beam` is below 2.
    """

    def __init__(self, beam: int = 100):
        if beam < 2:
            raise UserError(f"decode.beam={beam} should be 2 or more: decode=greedy keeps one.")
        self.beam = beam

    def __call__(
        self, logp_BTV: torch.Tensor, lengths_B: torch.Tensor, blank: int
    ) -> tuple[list[list[int]], list[float]]:
        return beam(logp_BTV, lengths_B, blank, self.beam)


def beam(
    logp_BTV: torch.Tensor, lengths_B: torch.Tensor, blank: int, width: int
) -> tuple[list[list[int]], list[float]]:
    """Take the text whose alignments are together the most probable, of the prefixes that a beam holds (Hannun et al.
    2014, https://arxiv.org/abs/1408.2873, algorithm 1 without a language model).

    Prefixes are compared by 64-bit hashes; the chance that an utterance meets a false match is T * K**2 / 2**64.

    Args:
        logp_BTV: log probabilities. lengths_B: in frames. blank: its index in V.
        width: K, prefixes kept after each frame.

    Returns:
        token ids and the text's log probability, one of each per utterance; exact where the beam holds all prefixes,
        else without the alignments that it dropped.
    """
    b, t, v = logp_BTV.shape
    # after its end an utterance says blank for certain, which changes nothing
    silence_V = logp_BTV.new_full((v,), -math.inf)
    silence_V[blank] = 0
    logp_BTV = torch.where(valid(lengths_B, t)[:, :, None], logp_BTV, silence_V)
    # log probabilities of the alignments that end in a blank, and of those that end in the prefix's last token
    ends_blank_BK = logp_BTV.new_full((b, width), -math.inf)
    ends_token_BK = ends_blank_BK.clone()
    ends_blank_BK[:, 0] = 0
    prefix_BK = torch.full_like(ends_blank_BK, NO_PREFIX, dtype=torch.int64)
    prefix_BK[:, 0] = EMPTY
    parent_BK = torch.full_like(prefix_BK, NO_PARENT)
    last_BK = torch.full_like(prefix_BK, blank)
    choices = []  # of each frame, (B, K): K' * V + token, K' the place in the beam before it; blank adds no token
    for logp_BV in logp_BTV.unbind(1):
        whole_BK = torch.logaddexp(ends_blank_BK, ends_token_BK)
        stays_blank_BK = whole_BK + logp_BV[:, blank, None]
        stays_token_BK = ends_token_BK + logp_BV.gather(1, last_BK)
        grown_BKV = whole_BK[:, :, None] + logp_BV[:, None]
        # the last token again is a new one only after a blank
        again_BK = ends_blank_BK + logp_BV.gather(1, last_BK)
        grown_BKV.scatter_(2, last_BK[:, :, None], again_BK[:, :, None])
        # a prefix that grows into another one of the beam is added to that
        row, child, place = (parent_BK[:, :, None] == prefix_BK[:, None]).nonzero(as_tuple=True)
        token = last_BK[row, child]
        joined = torch.logaddexp(stays_token_BK[row, child], grown_BKV[row, place, token])
        stays_token_BK[row, child] = joined
        grown_BKV[row, place, token] = -math.inf
        grown_BKV[:, :, blank] = torch.logaddexp(stays_blank_BK, stays_token_BK)

        best = grown_BKV.flatten(1).topk(width)
        choices.append(best.indices.int())
        from_BK, token_BK = best.indices // v, best.indices % v
        stays_BK, none_BK = token_BK == blank, best.values == -math.inf
        ends_blank_BK = torch.where(stays_BK, stays_blank_BK.gather(1, from_BK), -math.inf)
        ends_token_BK = torch.where(stays_BK, stays_token_BK.gather(1, from_BK), best.values)
        last_BK = torch.where(stays_BK, last_BK.gather(1, from_BK), token_BK)
        source_BK = prefix_BK.gather(1, from_BK)
        parent_BK = torch.where(stays_BK, parent_BK.gather(1, from_BK), source_BK).masked_fill(none_BK, NO_PARENT)
        prefix_BK = torch.where(stays_BK, source_BK, prefix_name(source_BK, token_BK)).masked_fill(none_BK, NO_PREFIX)
    scores_B, place_B = torch.logaddexp(ends_blank_BK, ends_token_BK).max(1)
    return _texts(choices, place_B, v, blank), scores_B.tolist()


def prefix_name(prefix: torch.Tensor, token: torch.Tensor) -> torch.Tensor:
    """The name of a prefix, a 64-bit hash, with one more token: SplitMix64's mixing (https://doi.org/10.1145/2660193.2660195)."""
    x = prefix * 0x5851F42D4C957F2D + (token + 1) * -0x61C8864680B583EB  # products wrap around
    for shift, factor in ((30, -0x40A7B892E31B1A47), (27, -0x6B2FB644ECCEEE15)):
        x = (x ^ (x >> shift)) * factor
    return x ^ (x >> 31)


def _texts(choices: list[torch.Tensor], place_B: torch.Tensor, v: int, blank: int) -> list[list[int]]:
    """Follow the choices back from a place in the last beam to the tokens that led there."""
    added = []
    for choice_BK in reversed(choices):
        choice_B = choice_BK.gather(1, place_B[:, None])[:, 0].long()
        place_B = choice_B // v
        added.append(choice_B % v)
    tokens_BT = torch.stack(added[::-1], 1).tolist() if added else [[] for _ in place_B]
    return [[token for token in row if token != blank] for row in tokens_BT]

"""What a transducer writes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.nn import functional

from asrx.decoding.beam import EMPTY, Beam, prefix_name
from asrx.decoding.greedy import Greedy
from asrx.decoding.spans import Spelt, Token
from asrx.models.transducer import TransducerNetwork
from asrx.types import Hypothesis, Search, Span, TextDecoder
from asrx.vocabularies.base import Vocabulary


class TransducerDecoder(TextDecoder):
    """Goes through the frames, and writes no or some tokens in each.

    Args:
        network: predictor and joiner.
        vocabulary: its tokens; the blank is one more.
        symbols: the most tokens in a frame.
    """

    searches = (Greedy, Beam)

    def __init__(self, network: TransducerNetwork, vocabulary: Vocabulary, symbols: int):
        self.network, self.symbols, self.temperature = network, symbols, 1.0
        self.vocabulary, self.labels = vocabulary, vocabulary.labels
        self.search: Search = Greedy()

    def __call__(self, outputs: torch.Tensor, lengths_B: torch.Tensor) -> list[Hypothesis]:
        lengths_B = lengths_B.to(outputs.device)
        if isinstance(self.search, Beam):
            tokens, scores = beam(self.network, outputs, lengths_B, self.symbols, self.search.beam)
        else:
            tokens, scores = greedy(self.network, outputs, lengths_B, self.symbols)
        pairs = zip(tokens, scores, strict=True)
        return [Hypothesis(self.vocabulary.text(ids), score) for ids, score in pairs]

    def explain(self, outputs: torch.Tensor, text: str) -> tuple[float, list[Span]]:
        """The share of words that should be right, and the words in the most probable alignment of the text.

        A word's confidence is the geometric mean of its tokens' probabilities; that of an empty text is the
        geometric mean of the blank's.
        """
        spelt = Spelt(self.vocabulary, text)
        ids_U = torch.tensor(spelt.ids, dtype=torch.int64)
        heard_T1W = self.network.heard(outputs)[:, None]
        logits_TUV = self.network.joined(heard_T1W, self.network.along(ids_U[None]))
        logp_TUV = (logits_TUV.float() / self.temperature).log_softmax(-1)
        confidence, found = spelt.spans(_aligned(logp_TUV, ids_U, self.network.blank))
        return (confidence, found) if found else (float(logp_TUV[:, 0, self.network.blank].mean().exp()), [])


def greedy(
    network: TransducerNetwork, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, symbols: int
) -> tuple[list[list[int]], list[float]]:
    """Take the best token until it is the blank, in each frame.

    Args:
        network, enc_BTD: what says what from what.
        lengths_B: in frames.
        symbols: the most tokens in a frame; after so many the next frame follows, as it is.

    Returns:
        token ids and the path's log probability, one of each per utterance.
    """
    blank, heard_BTW = network.blank, network.heard(enc_BTD)
    last_BC = lengths_B.new_full((len(enc_BTD), network.context), blank)
    score_B, written = enc_BTD.new_zeros(len(enc_BTD)), []
    for t, heard_BW in enumerate(heard_BTW.unbind(1)):
        goes_on_B = t < lengths_B
        for _ in range(symbols):
            logp_BV = network.joined(heard_BW, network.predicted(last_BC)[:, 0]).float().log_softmax(-1)
            best = logp_BV.max(-1)
            score_B = score_B + best.values * goes_on_B
            token_B = torch.where(goes_on_B, best.indices, blank)
            goes_on_B = token_B != blank
            if not goes_on_B.any():
                break
            written.append(token_B)
            last_BC = torch.where(goes_on_B[:, None], torch.cat([last_BC[:, 1:], token_B[:, None]], 1), last_BC)
    rows = torch.stack(written, 1).tolist() if written else [[]] * len(enc_BTD)
    return [[token for token in row if token != blank] for row in rows], score_B.tolist()


def beam(
    network: TransducerNetwork, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, symbols: int, width: int
) -> tuple[list[list[int]], list[float]]:
    """Take the text whose alignments are together the most probable, of those that a beam holds after each frame
    (Graves 2012, https://arxiv.org/abs/1211.3711, section 2.4, with a bound on the tokens of a frame).

    Args:
        network, enc_BTD, lengths_B, symbols: see `greedy`.
        width: K, texts kept after each frame.

    Returns:
        token ids and the text's log probability, without the alignments that the beam dropped, one of each per
        utterance.
    """
    (b, t_max, _), blank, heard_BTW = enc_BTD.shape, network.blank, network.heard(enc_BTD)
    score_BK = enc_BTD.new_full((b, width), -math.inf, dtype=torch.float32)
    score_BK[:, 0] = 0
    # a text's name, and its tokens, behind blanks
    name_BK = lengths_B.new_full((b, width), EMPTY)
    text_BKU = lengths_B.new_full((b, width, network.context), blank)
    for t in range(t_max):
        inside_B1 = (t < lengths_B)[:, None]
        score, name, text = score_BK, name_BK, text_BKU
        after: list[tuple[torch.Tensor, ...]] = []  # what goes on to the next frame
        for s in range(symbols + 1):
            last_NC = text[:, :, -network.context :].flatten(0, 1)
            predicted_BKW = network.predicted(last_NC)[:, 0].unflatten(0, (b, width))
            logp_BKV = network.joined(heard_BTW[:, t, None], predicted_BKW).float().log_softmax(-1)
            after.append((score + logp_BKV[:, :, blank], name, text))
            if s == symbols:
                break
            grown = (score[:, :, None] + logp_BKV[:, :, :blank]).flatten(1).topk(width)
            place_BK, token_BK = grown.indices // blank, grown.indices % blank
            score, name = grown.values, prefix_name(name.gather(1, place_BK), token_BK)
            text = torch.cat([_of(text, place_BK), token_BK[:, :, None]], 2)
            kept_BK = torch.cat([one for one, _, _ in after], 1).topk(width).values
            # more tokens can only be less probable than what is kept already
            score = score.masked_fill(~inside_B1 | (score[:, :1] <= kept_BK[:, -1:]), -math.inf)
            if bool((score == -math.inf).all()):
                break
        score_BM, name_BM, text_BMU = _joined(after, blank, network.context)
        best = score_BM.topk(width)
        score_BK = torch.where(inside_B1, best.values, score_BK)
        name_BK = torch.where(inside_B1, name_BM.gather(1, best.indices), name_BK)
        text_BKU = torch.where(
            inside_B1[:, :, None], _of(text_BMU, best.indices), _wide(text_BKU, text_BMU.shape[2], blank)
        )
    rows = text_BKU[:, 0].tolist()
    return [[token for token in row if token != blank] for row in rows], score_BK[:, 0].tolist()


def _joined(
    parts: Sequence[tuple[torch.Tensor, ...]], blank: int, context: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Scores, names and texts side by side; of those that are the same text the first has the sum."""
    longest = max(int((text != blank).sum(2).max()) for _, _, text in parts)
    score_BM, name_BM = (torch.cat([part[i] for part in parts], 1) for i in (0, 1))
    text_BMU = torch.cat([_wide(text, max(longest, context), blank) for _, _, text in parts], 1)
    same_BMM = name_BM[:, :, None] == name_BM[:, None]
    again_BM = same_BMM.tril(-1).any(2)
    sum_BM = score_BM[:, None].masked_fill(~same_BMM, -math.inf).logsumexp(2)
    return sum_BM.masked_fill(again_BM, -math.inf), name_BM, text_BMU


def _wide(text_BKU: torch.Tensor, width: int, blank: int) -> torch.Tensor:
    """Texts in so many places, the tokens at the end."""
    return functional.pad(text_BKU, (width - text_BKU.shape[2], 0), value=blank)


def _of(text_BMU: torch.Tensor, place_BK: torch.Tensor) -> torch.Tensor:
    return text_BMU.gather(1, place_BK[:, :, None].expand(-1, -1, text_BMU.shape[2]))


def _aligned(logp_TUV: torch.Tensor, ids_U: torch.Tensor, blank: int) -> list[Token]:
    """Tokens in the most probable alignment, each in the frame that writes it; no bound on the tokens of a frame."""
    count = len(ids_U)
    token_TU = logp_TUV[:, :count].gather(2, ids_U.expand(len(logp_TUV), -1)[:, :, None])[:, :, 0]
    written_TU = functional.pad(token_TU, (1, 0)).cumsum(1)  # of the first tokens, all in this frame
    enters_U = torch.full((count + 1,), -math.inf)
    enters_U[0] = 0
    came = []  # of each frame and number of tokens after it, the number before it
    for t in range(len(logp_TUV)):
        best = (enters_U - written_TU[t]).cummax(0)
        came.append(best.indices.tolist())
        enters_U = best.values + written_TU[t] + logp_TUV[t, :, blank]
    tokens, u = [], count
    for t in reversed(range(len(came))):
        first = came[t][u]
        tokens += [Token(t, t + 1, float(token_TU[t, k])) for k in reversed(range(first, u))]
        u = first
    return tokens[::-1]

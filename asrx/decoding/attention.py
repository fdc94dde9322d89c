"""What an attention decoder writes."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from asrx.decoding.beam import Beam
from asrx.decoding.ctc_prefix import CTCPrefix
from asrx.decoding.greedy import Greedy
from asrx.decoding.spans import Spelt, aligned
from asrx.models.transformer_decoder import TransformerDecoder
from asrx.types import Hypothesis, Objective, Search, Span, TextDecoder
from asrx.vocabularies.base import Vocabulary


class AttentionDecoder(TextDecoder):
    """Writes the most probable text, token after token. No text has more tokens than its utterance has encoder frames,
    so that it ends.

    Args:
        network: that spells.
        vocabulary: its tokens.
        ctc: an objective over the same encodings and tokens, which is asked too; it also says when words are said and
            how sure they are.
        weight: of what CTC says, from 0 to 1.
    """

    searches = (Greedy, Beam)

    def __init__(
        self, network: TransformerDecoder, vocabulary: Vocabulary, ctc: Objective | None = None, weight: float = 0.0
    ):
        self.network, self.vocabulary, self.labels, self.temperature = network, vocabulary, vocabulary.labels, 1.0
        self.ctc, self.weight = ctc, weight
        self.search: Search = Greedy()

    def __call__(self, outputs: torch.Tensor, lengths_B: torch.Tensor) -> list[Hypothesis]:
        width = self.search.beam if isinstance(self.search, Beam) else 1
        tokens, scores = spell(self.network, outputs, lengths_B, width, self._guide(outputs, lengths_B, width))
        pairs = zip(tokens, scores, strict=True)
        return [Hypothesis(self.vocabulary.text(ids), score) for ids, score in pairs]

    def explain(self, outputs: torch.Tensor, text: str) -> tuple[float, list[Span]]:
        """The share of words that should be right, and the words, each where its tokens look.

        A word's confidence is the geometric mean of its tokens' probabilities; that of an empty text is that of
        ending at once. A text that is spelt with more tokens than there are frames has none, and no words.
        """
        if self.ctc:
            self.ctc.decoder.temperature = self.temperature
            return self.ctc.decoder.explain(self.ctc.outputs(outputs[None], torch.tensor([len(outputs)]))[0], text)
        spelt = Spelt(self.vocabulary, text)
        ids = spelt.ids
        if len(ids) > len(outputs):
            return 0.0, []
        ids_1U = torch.tensor([ids], dtype=torch.int64)
        logits_1UV, looks_1UT = self.network(outputs[None], torch.tensor([len(outputs)]), ids_1U)
        logp_UV = (logits_1UV[0].float() / self.temperature).log_softmax(-1)
        # tokens in their order, each where it looks most; frames at which none looks belong to none
        nobody_1T = torch.full((1, len(outputs)), 1 / len(outputs))
        looks_TU = torch.cat([looks_1UT[0, :-1], nobody_1T]).T.log().clamp(min=-100)
        places = aligned(looks_TU, range(len(ids)), blank=len(ids))
        logps = logp_UV[:-1].gather(1, ids_1U.T)[:, 0].tolist()
        tokens = [token._replace(logp=logp) for token, logp in zip(places, logps, strict=True)]
        confidence, found = spelt.spans(tokens)
        return (confidence, found) if found else (float(logp_UV[0, self.network.end].exp()), [])

    def _guide(self, outputs: torch.Tensor, lengths_B: torch.Tensor, width: int) -> Guide | None:
        if not self.ctc:
            return None
        logp_BTV = self.ctc.outputs(outputs, lengths_B)
        logp_NTV, lengths_N = logp_BTV.repeat_interleave(width, 0), lengths_B.repeat_interleave(width)
        return Guide(CTCPrefix(logp_NTV, lengths_N, self.ctc.decoder.blank), self.weight)


class Guide(NamedTuple):
    """What CTC says of prefixes, and its weight beside what attention says."""

    prefix: CTCPrefix
    weight: float


def spell(
    network: TransformerDecoder, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, width: int, guide: Guide | None
) -> tuple[list[list[int]], list[float]]:
    """Take the most probable text among those that a beam holds; with a guide, the sum of both log probabilities by
    weight counts (Watanabe et al. 2017, https://doi.org/10.1109/JSTSP.2017.2763455).

    Args:
        network, enc_BTD: what spells from what.
        lengths_B: in frames; as many tokens a text may have.
        width: K, texts kept after each token.
        guide: over K texts of each utterance, side by side.

    Returns:
        token ids and scores, one of each per utterance.
    """
    batch, end = len(enc_BTD), network.end
    n, choices, weight = batch * width, min(end, 2 * width + 2), guide.weight if guide else 0.0
    first_N = torch.arange(n, device=enc_BTD.device) // width * width
    most_N = lengths_B.to(enc_BTD.device).repeat_interleave(width)
    attention_N = enc_BTD.new_zeros(n, dtype=torch.float64)
    score_N = torch.where(torch.arange(n, device=enc_BTD.device) == first_N, 0.0, -math.inf).double()
    last_N, texts_NU = torch.full_like(first_N, end), first_N.new_zeros(n, 0)
    done_N, ends_N1 = torch.zeros_like(first_N, dtype=torch.bool), torch.full_like(first_N, end)[:, None]
    spelt = network.begin(enc_BTD, lengths_B, width)
    for step in range(int(lengths_B.max()) + 1):
        logits_NV, spelt = network.advance(last_N, spelt)
        logp_NV = logits_NV.double().log_softmax(-1)
        ids_NC = torch.cat([logp_NV[:, :end].topk(choices).indices, ends_N1], 1)
        grown_NC = attention_N[:, None] + logp_NV.gather(1, ids_NC)
        total_NC = grown_NC * (1 - weight)
        if guide:
            ctc_NC = torch.cat([guide.prefix.longer(ids_NC[:, :-1]), guide.prefix.whole()[:, None]], 1)
            total_NC = total_NC + weight * ctc_NC
        total_NC[score_N == -math.inf] = -math.inf
        total_NC[:, :-1].masked_fill_((done_N | (step >= most_N))[:, None], -math.inf)
        total_NC[:, -1] = torch.where(done_N, score_N, total_NC[:, -1])

        best = total_NC.unflatten(0, (batch, width)).flatten(1).topk(width)
        place_N = first_N + best.indices.flatten() // (choices + 1)
        column_N1 = (best.indices.flatten() % (choices + 1))[:, None]
        score_N, last_N = best.values.flatten(), ids_NC[place_N].gather(1, column_N1)[:, 0]
        attention_N = grown_NC[place_N].gather(1, column_N1)[:, 0]
        done_N = done_N[place_N] | (last_N == end)
        texts_NU = torch.cat([texts_NU[place_N], last_N[:, None]], 1)
        over_BK = score_N.masked_fill(~done_N, -math.inf).unflatten(0, (batch, width))
        # what goes on can only become less probable
        if bool((over_BK.amax(1) >= score_N.unflatten(0, (batch, width)).amax(1)).all()):
            break
        spelt = spelt.of(place_N)
        if guide:
            guide.prefix.advance(place_N, last_N)
    scores_B, place_B = over_BK.max(1)
    rows = texts_NU[first_N[::width] + place_B].tolist()
    return [row[: row.index(end)] for row in rows], scores_B.tolist()

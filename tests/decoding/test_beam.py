from __future__ import annotations

import math
from collections import defaultdict
from itertools import product

import pytest
import torch

from asrx.decoding.beam import Beam, beam
from asrx.decoding.greedy import greedy
from asrx.objectives.ctc import CTC
from asrx.types import UserError


def most_probable(logp_TV: torch.Tensor, blank: int) -> tuple[list[int], float]:
    """By the sum over every alignment of every text."""
    totals = defaultdict(float)
    for path in product(range(logp_TV.shape[1]), repeat=len(logp_TV)):
        text = tuple(s for t, s in enumerate(path) if s != blank and (t == 0 or s != path[t - 1]))
        totals[text] += math.exp(sum(float(logp_TV[t, s]) for t, s in enumerate(path)))
    text, probability = max(totals.items(), key=lambda item: item[1])
    return list(text), math.log(probability)


@pytest.mark.parametrize("blank", [0, 1, 2])
def test_a_beam_of_all_prefixes_is_the_sum_over_all_alignments(blank):
    torch.manual_seed(blank)
    lengths = torch.tensor([6, 4, 5] * 6)
    logp = torch.randn(len(lengths), 6, 3).log_softmax(-1)
    tokens, scores = beam(logp, lengths, blank, width=200)
    for i, n in enumerate(lengths):
        expected, score = most_probable(logp[i, :n], blank)
        assert tokens[i] == expected
        assert scores[i] == pytest.approx(score, abs=1e-5)


def search_over_dictionaries(logp_TV: torch.Tensor, blank: int, width: int) -> tuple[list[int], float]:
    """The same search, with whole prefixes as keys (Hannun et al. 2014, algorithm 1)."""
    beam = {(): (1.0, 0.0)}  # probabilities of ending in a blank and in a token
    for p_V in logp_TV.double().exp().tolist():
        grown = defaultdict(lambda: [0.0, 0.0])
        for prefix, (ends_blank, ends_token) in beam.items():
            grown[prefix][0] += (ends_blank + ends_token) * p_V[blank]
            for token in set(range(len(p_V))) - {blank}:
                repeats = prefix[-1:] == (token,)
                grown[(*prefix, token)][1] += (ends_blank if repeats else ends_blank + ends_token) * p_V[token]
                if repeats:
                    grown[prefix][1] += ends_token * p_V[token]
        beam = dict(sorted(grown.items(), key=lambda item: -sum(item[1]))[:width])
    prefix, ends = next(iter(beam.items()))
    return list(prefix), math.log(sum(ends))


@pytest.mark.parametrize(
    ("frames", "vocabulary", "blank", "width"),
    [
        pytest.param(12, 4, 0, 1, id="one prefix"),
        pytest.param(12, 4, 3, 2, id="two prefixes"),
        pytest.param(20, 3, 0, 3, id="prefixes that leave the beam and come back while a longer one is in it"),
        pytest.param(8, 2, 1, 30, id="more room than prefixes"),
    ],
)
def test_the_beam_keeps_what_a_search_over_dictionaries_keeps(frames, vocabulary, blank, width):
    torch.manual_seed(0)
    logp = torch.randn(100, frames, vocabulary).log_softmax(-1)
    tokens, scores = beam(logp, torch.full((100,), frames), blank, width)
    for i, row in enumerate(logp):
        expected, score = search_over_dictionaries(row, blank, width)
        assert tokens[i] == expected
        assert scores[i] == pytest.approx(score, abs=1e-5)


def test_many_alignments_beat_the_best_path():
    """The best path is two blanks (0.36), but "a" has three alignments (0.64)."""
    logp = torch.tensor([[[0.4, 0.6], [0.4, 0.6]]]).log()
    assert greedy(logp, torch.tensor([2]), 1) == ([[]], [pytest.approx(math.log(0.36))])
    assert beam(logp, torch.tensor([2]), 1, 2) == ([[0]], [pytest.approx(math.log(0.64))])


@pytest.mark.parametrize("width", [1, 2, 10])
def test_where_the_model_is_sure_it_answers_as_greedy(width):
    torch.manual_seed(0)
    logp, lengths = (30 * torch.randn(8, 20, 5)).log_softmax(-1), torch.arange(13, 21)
    assert beam(logp, lengths, 4, width)[0] == greedy(logp, lengths, 4)[0]


def test_batch_and_padding_change_nothing():
    torch.manual_seed(0)
    logp, lengths = torch.randn(4, 15, 6).log_softmax(-1), torch.tensor([15, 0, 7, 12])
    tokens, scores = beam(logp, lengths, 5, 10)
    assert (tokens[1], scores[1]) == ([], 0.0)
    for i, n in enumerate(lengths):
        alone, score = beam(logp[i : i + 1, :n], n[None], 5, 10)
        assert alone == [tokens[i]]
        assert score == pytest.approx([scores[i]], abs=1e-5)


def test_ctc_searches_with_the_beam_that_the_config_names():
    torch.manual_seed(0)
    objective = CTC(4, "ab")
    objective.decoder.search = Beam(16)
    enc, lengths = torch.randn(6, 5, 4), torch.tensor([5, 4, 3, 5, 4, 3])
    answers = objective.decode(enc, lengths)
    for i, n in enumerate(lengths):
        ids, score = most_probable(objective.outputs(enc, lengths)[i, :n].detach(), objective.decoder.blank)
        assert answers[i].text == objective.text(ids)
        assert answers[i].score == pytest.approx(score, abs=1e-5)
    with pytest.raises(UserError, match=r"decode\.beam=1 should be 2 or more"):
        Beam(1)

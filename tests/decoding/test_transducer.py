from __future__ import annotations

import math
from itertools import product

import pytest
import torch

from asrx.decoding.beam import Beam
from asrx.objectives.transducer import Transducer

ENC, LENGTHS = torch.randn(4, 3, 4, generator=torch.Generator().manual_seed(2)), torch.tensor([3, 2, 3, 1])


@pytest.fixture
def objective():
    torch.manual_seed(3)
    objective = Transducer(4, "ab", width=8, symbols=2).eval()
    with torch.no_grad():
        for parameter in objective.parameters():
            parameter.mul_(3)  # so that texts differ in probability
        objective.network.head.bias[2] -= 1  # longer texts
    return objective


def log_probability(objective: Transducer, enc_TD: torch.Tensor, ids: tuple[int, ...]) -> float:
    """By the sum over every alignment that writes no more than two tokens in a frame."""
    along_UW = objective.network.along(torch.tensor([ids], dtype=torch.int64))[0]
    logp_TUV = objective.network.joined(objective.network.heard(enc_TD)[:, None], along_UW).log_softmax(-1)
    total = 0.0
    for counts in product(range(3), repeat=len(enc_TD)):
        if sum(counts) == len(ids):
            u, logp = 0, 0.0
            for t, count in enumerate(counts):
                logp += sum(float(logp_TUV[t, k, ids[k]]) for k in range(u, u + count))
                u += count
                logp += float(logp_TUV[t, u, 2])
            total += math.exp(logp)
    return math.log(total) if total else -math.inf


@torch.inference_mode()
def test_a_beam_of_all_texts_finds_the_most_probable(objective):
    objective.decoder.search = Beam(130)
    texts = []
    for i, (n, found) in enumerate(zip(LENGTHS.tolist(), objective.decode(ENC, LENGTHS), strict=True)):
        scores = {
            ids: log_probability(objective, ENC[i, :n], ids)
            for k in range(2 * n + 1)
            for ids in product(range(2), repeat=k)
        }
        best = max(scores, key=scores.get)
        assert found.text == objective.text(best)
        assert found.score == pytest.approx(scores[best], abs=1e-4)
        texts.append(found.text)
    assert len(set(texts)) > 1


@torch.inference_mode()
@pytest.mark.parametrize("width", [1, 3])
def test_texts_do_not_depend_on_the_batch(objective, width):
    if width > 1:
        objective.decoder.search = Beam(width)
    together = objective.decode(ENC, LENGTHS)
    for i, n in enumerate(LENGTHS):
        (alone,) = objective.decode(ENC[i : i + 1, :n], n[None])
        assert alone.text == together[i].text
        assert alone.score == pytest.approx(together[i].score, abs=1e-4)


@torch.inference_mode()
def test_no_more_than_its_symbols_are_written_in_a_frame(objective):
    objective.network.head.bias[2] = -100
    assert [len(hypothesis.text) for hypothesis in objective.decode(ENC, LENGTHS)] == (2 * LENGTHS).tolist()


@torch.inference_mode()
def test_words_are_where_their_best_alignment_writes_them(objective):
    objective = Transducer(4, "ab ", width=8).eval()
    scores = torch.full((4, 4, 4), -1.0)  # frames, tokens written, outputs
    scores[0, 0, 0] = scores[2, 1, 2] = scores[2, 2, 1] = 5.0  # a in the first frame, the space and b in the third
    scores[[0, 1, 2, 3], [1, 1, 3, 3], 3] = 5.0
    objective.network.joined = lambda heard, predicted: scores
    confidence, words = objective.decoder.explain(ENC[0].new_zeros(4, 4), "a b")
    assert [(word.text, word.start, word.end) for word in words] == [("a", 0, 1), ("b", 2, 3)]
    assert confidence == pytest.approx(math.exp(5) / (math.exp(5) + 3 * math.exp(-1)))

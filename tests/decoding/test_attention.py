from __future__ import annotations

import math
from itertools import product

import pytest
import torch

from asrx.decoding.beam import Beam
from asrx.decoding.ctc_prefix import CTCPrefix
from asrx.objectives.attention import Attention
from asrx.types import Targets


def log_probability(logp_TV: torch.Tensor, blank: int, text: list[int], whole: bool) -> float:
    """Of the text, or of all that begin with it, by the sum over every alignment."""
    total = 0.0
    for path in product(range(logp_TV.shape[1]), repeat=len(logp_TV)):
        said = [s for t, s in enumerate(path) if s != blank and (t == 0 or s != path[t - 1])]
        if (said if whole else said[: len(text)]) == text:
            total += math.exp(sum(float(logp_TV[t, s]) for t, s in enumerate(path)))
    return math.log(total) if total else -math.inf


def test_ctc_prefixes_are_sums_over_all_alignments():
    torch.manual_seed(0)
    logp, lengths, ids = torch.randn(2, 5, 3).log_softmax(-1), torch.tensor([5, 4]), torch.tensor([[0, 1]] * 2)
    prefix, text = CTCPrefix(logp, lengths, blank=2), []
    for token in (0, 0, 1):
        for b, n in enumerate(lengths):
            assert prefix.whole()[b] == pytest.approx(log_probability(logp[b, :n], 2, text, True), abs=1e-4)
            for c in range(2):
                expected = max(log_probability(logp[b, :n], 2, [*text, c], False), -1e3)
                assert max(float(prefix.longer(ids)[b, c]), -1e3) == pytest.approx(expected, abs=1e-4)
        prefix.advance(torch.arange(2), torch.tensor([token] * 2))
        text.append(token)


@pytest.fixture(params=[0.0, 0.4], ids=["attention", "joint"])
def objective(request):
    torch.manual_seed(1)
    objective = Attention(4, "ab", width=8, heads=2, dropout=0.0, ctc_weight=request.param).eval()
    with torch.no_grad():
        for parameter in objective.parameters():
            parameter.mul_(2)  # so that texts differ in probability
        objective.network.head.bias[2] -= 1  # longer texts
    return objective


ENC, LENGTHS = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(2)), torch.tensor([4, 2, 3])


@torch.inference_mode()
def test_a_beam_of_all_texts_finds_the_most_probable(objective):
    objective.decoder.search = Beam(60)
    for i, (n, found) in enumerate(zip(LENGTHS.tolist(), objective.decode(ENC, LENGTHS), strict=True)):
        scores = {}
        for ids in [ids for k in range(n + 1) for ids in product(range(2), repeat=k)]:
            targets = Targets(torch.tensor([ids], dtype=torch.int64), torch.tensor([len(ids)]))
            logits, _ = objective.network(ENC[i : i + 1, :n], LENGTHS[i : i + 1], targets.ids_BU)
            steps = zip(logits[0].log_softmax(-1), [*ids, 2], strict=True)
            scores[ids] = sum(float(logp[token]) for logp, token in steps)
            if objective.ctc:
                logp = objective.ctc.outputs(ENC[i : i + 1, :n], LENGTHS[i : i + 1])[0]
                own = max(log_probability(logp, 2, list(ids), True), -1e4)
                scores[ids] = 0.4 * own + 0.6 * scores[ids]
        best = max(scores, key=scores.get)
        assert found.text == objective.text(best)
        assert found.score == pytest.approx(scores[best], abs=1e-3)


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
def test_a_text_that_never_ends_has_as_many_tokens_as_there_are_frames():
    torch.manual_seed(0)
    objective = Attention(4, "ab", width=8, heads=2).eval()
    objective.network.head.bias[2] = -100
    assert [len(hypothesis.text) for hypothesis in objective.decode(ENC, LENGTHS)] == LENGTHS.tolist()


@torch.inference_mode()
def test_words_are_where_their_characters_look():
    objective = Attention(4, "ab ", width=8, heads=2).eval()
    looks = torch.tensor([[0.7, 0.1, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1], [0.0, 0.0, 0.1, 0.9], [1, 0, 0, 0]])
    logits = torch.tensor([[0.0, 0, 0, 0], [0, 0, 0, 0], [0, 9, 0, 0], [0, 0, 0, 9]])
    objective.decoder.network = lambda enc, lengths, ids: (logits[None], looks[None])
    confidence, (one, other) = objective.decoder.explain(ENC[0], "a b")
    assert (one.text, one.start, one.end) == ("a", 0, 1)
    assert (other.text, other.start, other.end) == ("b", 3, 4)
    assert one.confidence == pytest.approx(1 / 4)
    assert other.confidence == pytest.approx(math.exp(9) / (math.exp(9) + 3))
    assert confidence == pytest.approx((one.confidence + other.confidence) / 2)

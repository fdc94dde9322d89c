"""N-gram models: that they are probabilities, what Kneser-Ney is for, and that KenLM reads what is written."""

from __future__ import annotations

import math

import numpy as np
import pytest

from asrx.language import arpa
from asrx.language.kneser_ney import BEGIN, END, UNKNOWN, NGrams, train


def drawn(count: int, words: int, seed: int = 0) -> list[list[str]]:
    """Sentences in which words follow each other unevenly."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        sentence = [0]
        while len(sentence) < 12 and rng.random() < 0.8:
            sentence.append(int((sentence[-1] * 2 + rng.geometric(0.4)) % words))
        found.append([f"w{i}" for i in sentence])
    return found


def probability(model: NGrams, context: tuple[str, ...], word: str) -> float:
    """Of a word after others, by the rule of ARPA files."""
    if (*context, word) in model.probabilities[len(context)]:
        return model.probabilities[len(context)][(*context, word)]
    return model.backoffs[len(context) - 1].get(context, 1.0) * probability(model, context[1:], word)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("count", [1, 5, 400])
def test_the_words_after_a_context_have_the_probability_1_together(order, count):
    model = train(drawn(count, 20), order)
    vocabulary = [word for (word,) in model.probabilities[0]]
    assert {END, UNKNOWN} <= set(vocabulary) and BEGIN not in vocabulary
    contexts = {gram[:-1] for grams in model.probabilities for gram in grams}
    for context in [*sorted(contexts)[:200], (BEGIN, "w0", "w1")[: order - 1], ("w3", "w3", "w3")[: order - 1]]:
        assert sum(probability(model, context, word) for word in vocabulary) == pytest.approx(1)


def test_a_word_that_follows_one_other_is_rare_elsewhere():
    """Chen and Goodman's "Francisco": frequent, but only after "San"."""
    text = ["san francisco"] * 20 + [f"{a} {b}" for a in "abcdef" for b in ("tea", "rice")]
    model = train([line.split() for line in text], 2)
    assert probability(model, (), "francisco") < probability(model, (), "tea")
    assert probability(model, ("san",), "francisco") > 0.9


def test_discounts_are_those_of_the_counts_of_counts():
    """One, two, three and four words that follow 4, 3, 2 and 1 times: y = 4 / (4 + 2 * 3)."""
    words = [f"w{i}" for i in range(10)]
    counts = [1] * 4 + [2] * 3 + [3] * 2 + [4]
    model = train([[word for word, n in zip(words, counts, strict=True) for _ in range(n)]], 1)
    y, v = (1 + 4) / (1 + 4 + 2 * 3), 12  # the end of the sentence was seen once, too
    d1, d2, d3 = 1 - 2 * y * 3 / 5, 2 - 3 * y * 2 / 3, 3 - 4 * y * 1 / 2
    left = (5 * d1 + 3 * d2 + 3 * d3) / 21
    assert model.probabilities[0][("w0",)] == pytest.approx((1 - d1) / 21 + left / v)
    assert model.probabilities[0][("w9",)] == pytest.approx((4 - d3) / 21 + left / v)
    assert model.probabilities[0][(UNKNOWN,)] == pytest.approx(left / v)


@pytest.mark.parametrize("order", [2, 3, 5])
def test_kenlm_gives_the_same_probabilities(order, tmp_path):
    from asrx.decoding.flashlight import kenlm

    model = train(drawn(200, 20), order)
    with (tmp_path / "a.arpa").open("w") as file:
        arpa.write(model, file)
    words = sorted(arpa.read_header(tmp_path / "a.arpa").words)
    assert [len(grams) for grams in model.probabilities[1:]] == arpa.read_header(tmp_path / "a.arpa").sizes[1:]
    lm = kenlm(str(tmp_path / "a.arpa"), words)
    for sentence in [*drawn(50, 20, seed=1), ["w1", "unheard", "w2"]]:
        state, said = lm.start(False), [BEGIN]
        for word in sentence:
            state, score = lm.score(state, words.index(word) if word in words else len(words))
            said.append(word if word in words else UNKNOWN)
            expected = math.log10(probability(model, tuple(said[-order:-1]), said[-1]))
            assert score == pytest.approx(expected, abs=1e-5)
        expected = math.log10(probability(model, tuple(said[1 - order :]), END))
        assert lm.finish(state)[1] == pytest.approx(expected, abs=1e-5)

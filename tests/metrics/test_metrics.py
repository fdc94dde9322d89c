from __future__ import annotations

import pytest
import torch

from asrx.metrics.classification import Classification
from asrx.metrics.error_rate import ErrorRate


def test_error_rates_and_what_they_are_made_of():
    errors = ErrorRate()
    errors.update(["one two three", "four"], ["one too three four", ""])
    scores = errors.compute()
    assert scores["wer"] == pytest.approx(3 / 4)
    assert (scores["word_substitutions"], scores["word_insertions"], scores["word_deletions"]) == (1, 1, 1)
    assert (scores["words"], scores["characters"], scores["utterances"]) == (4, 17, 2)
    assert scores["cer"] == pytest.approx((1 + 5 + 4) / 17)


def test_classification_scores():
    scores = Classification(["a", "b", "c"])
    scores.update(list("aaabb"), list("aabbb"))
    result = scores.compute()
    assert result["accuracy"] == result["micro_f1"] == pytest.approx(4 / 5)
    assert result["macro_f1"] == pytest.approx((2 * 2 / 5 + 2 * 2 / 5) / 2)  # c never occurs
    assert scores.counts.tolist() == [[2, 1, 0], [0, 2, 0], [0, 0, 0]]


@pytest.mark.parametrize("metric", [ErrorRate, lambda: Classification(list("abcd"))], ids=["rates", "classification"])
def test_sums_over_processes_are_those_of_one(metric):
    said, heard = list("abcdabcd"), list("abddabca")
    whole, first, second = metric(), metric(), metric()
    whole.update(said, heard)
    first.update(said[:3], heard[:3])
    second.update(said[3:], heard[3:])
    assert torch.equal(whole.counts, first.counts + second.counts)

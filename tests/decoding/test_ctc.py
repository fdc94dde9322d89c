"""Words, their frames and confidences, from log probabilities."""

from __future__ import annotations

import math

import pytest
import torch

from asrx.decoding.ctc import CTCDecoder
from asrx.decoding.label import LabelDecoder


def spelt(path: str, probability: float = 0.9) -> torch.Tensor:
    """Log probabilities of "ab " and the blank, `_`, in which each frame says its character."""
    p_TV = torch.full((len(path), 4), (1 - probability) / 3)
    for frame, character in enumerate(path):
        p_TV[frame, "ab _".index(character)] = probability
    return p_TV.log()


def test_words_lie_where_they_were_said():
    decoder, logp = CTCDecoder("ab "), spelt("__a_aab_ __bb__")
    (answer,) = decoder(logp[None], torch.tensor([15]))
    assert answer.text == "aab b"
    confidence, words = decoder.explain(logp, answer.text)
    assert [(word.text, word.start, word.end) for word in words] == [("aab", 2, 7), ("b", 11, 13)]
    assert confidence == pytest.approx(0.9)


def test_a_word_is_as_sure_as_its_characters():
    logp = torch.cat([spelt("a", 0.9), spelt("b", 0.5), spelt(" ", 0.7), spelt("a", 0.8)])
    confidence, words = CTCDecoder("ab ").explain(logp, "ab a")
    assert [word.confidence for word in words] == pytest.approx([math.sqrt(0.45), 0.8])
    assert confidence == pytest.approx((math.sqrt(0.45) + 0.8) / 2)


@pytest.mark.parametrize(("path", "texts"), [(" _a", ["a"]), ("a _ b ", ["a", "b"]), (" ", [])])
def test_spaces_on_the_edge_and_twice_make_no_word(path, texts):
    decoder, logp = CTCDecoder("ab "), spelt(path)
    text = decoder(logp[None], torch.tensor([len(path)]))[0].text
    assert [word.text for word in decoder.explain(logp, text)[1]] == texts


def test_nothing_said_is_as_sure_as_the_blank():
    assert CTCDecoder("ab ").explain(spelt("____", 0.6), "") == (pytest.approx(0.6), [])


def test_a_label_is_as_sure_as_its_probability():
    decoder, logp = LabelDecoder(["no", "yes"]), torch.tensor([[0.2, 0.8], [0.7, 0.3]]).log()
    assert [answer.text for answer in decoder(logp, torch.tensor([3, 5]))] == ["yes", "no"]
    assert decoder.explain(logp[0], "yes") == (pytest.approx(0.8), [])

"""A character for each frame: document 003's loss."""

from __future__ import annotations

import pytest
import torch

from asrx.decoding.frames import PAD, FrameDecoder
from asrx.objectives.frame_cross_entropy import FrameCrossEntropy
from asrx.types import Targets, UserError


def peaks(text: str, labels: str) -> torch.Tensor:
    """Log probabilities of a text, a frame a character; - is padding."""
    names = [*labels, PAD]
    logits = torch.zeros(len(text), len(names))
    for t, c in enumerate(text):
        logits[t, names.index(PAD if c == "-" else c)] = 5.0
    return logits.log_softmax(-1)


def test_the_loss_is_the_mean_over_the_characters_of_their_frames_alone():
    torch.manual_seed(0)
    objective = FrameCrossEntropy(4, "ab", 3)
    enc, lengths = torch.randn(2, 5, 4), torch.tensor([5, 5])
    loss = objective.loss(enc, lengths, Targets(torch.tensor([[0, 1], [1, 0]]), torch.tensor([2, 1])))
    logp = objective.outputs(enc, lengths)
    torch.testing.assert_close(loss, torch.stack([-(logp[0, 0, 0] + logp[0, 1, 1]) / 2, -logp[1, 0, 1]]))


def test_what_is_written_are_the_first_frames_without_padding():
    decode = FrameDecoder([*"ab ", PAD], 4)
    logp = torch.stack([peaks("a-bab", "ab "), peaks("ba aa", "ab ")])
    found = decode(logp, torch.tensor([5, 3]))
    assert [hypothesis.text for hypothesis in found] == ["aba", "ba"]
    assert found[1].score == pytest.approx(float(logp[1].max(-1).values[:3].sum()))


def test_each_character_lies_in_its_frame():
    confidence, words = FrameDecoder([*"ab ", PAD], 9).explain(peaks("ab ba", "ab "), "ab ba")
    assert [(word.text, word.start, word.end) for word in words] == [("ab", 0, 2), ("ba", 3, 5)]
    assert 0.9 < confidence < 1
    assert FrameDecoder([*"ab ", PAD], 9).explain(peaks("a", "ab "), "") == (0, [])


def test_what_cannot_be_a_target_is_told():
    objective = FrameCrossEntropy(4, "ab ", 3)
    assert objective.text(objective.encode(" a  b")) == "a b"
    assert objective.feasible(2, [0, 1]) and not objective.feasible(1, [0, 1])
    with pytest.raises(ValueError, match=r"outside model.objective.alphabet: 'c'"):
        objective.encode("abc")
    for text in ("abab", ""):
        with pytest.raises(ValueError, match=rf"{len(text)} characters, and model.objective.length=3 are the most"):
            objective.encode(text)
    with pytest.raises(UserError, match="each character once"):
        FrameCrossEntropy(4, "aa")

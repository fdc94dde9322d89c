from __future__ import annotations

from itertools import combinations_with_replacement, product

import pytest
import torch

from asrx.decoding.greedy import greedy
from asrx.objectives.attention import Attention
from asrx.objectives.cross_entropy import CrossEntropy
from asrx.objectives.ctc import CTC
from asrx.objectives.transducer import Transducer
from asrx.types import Targets, UserError


def targets(*rows: list[int]) -> Targets:
    padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
    return Targets(padded, torch.tensor([len(row) for row in rows]))


@pytest.fixture
def ctc():
    torch.manual_seed(0)
    return CTC(4, "ab ")


def test_ctc_loss_is_the_sum_over_all_alignments(ctc):
    enc, target = torch.randn(1, 4, 4), ctc.encode("ab")
    logp = ctc.outputs(enc, torch.tensor([4]))[0]
    total = torch.tensor(0.0)
    for path in product(range(4), repeat=4):
        collapsed = [s for i, s in enumerate(path) if s != ctc.decoder.blank and (i == 0 or s != path[i - 1])]
        if collapsed == target:
            total += torch.exp(sum(logp[t, s] for t, s in enumerate(path)))
    loss = ctc.loss(enc, torch.tensor([4]), targets(target))
    torch.testing.assert_close(loss, -total.log()[None] / 2)


def test_label_smoothing_keeps_frames_from_being_too_sure_while_training(ctc):
    enc, lengths, target = torch.randn(2, 5, 4), torch.tensor([5, 3]), targets([0, 1], [2])
    plain, logp = ctc.loss(enc, lengths, target), ctc.outputs(enc, lengths)
    ctc.label_smoothing = 0.1
    uniform = torch.full((4,), 0.25)
    sure = [
        sum((logp[i, t].exp() * (logp[i, t] - uniform.log())).sum() for t in range(n)) for i, n in enumerate((5, 3))
    ]
    torch.testing.assert_close(ctc.loss(enc, lengths, target), 0.9 * plain + 0.1 * torch.stack(sure) / target.lengths_B)
    torch.testing.assert_close(ctc.eval().loss(enc, lengths, target), plain)
    for name in ("inner", "label_smoothing"):
        with pytest.raises(UserError, match=f"model.objective.{name}=1 should be from 0 to below 1"):
            CTC(4, "ab ", **{name: 1})


def test_ctc_loss_does_not_depend_on_the_batch(ctc):
    enc, lengths = torch.randn(3, 9, 4), torch.tensor([9, 5, 7])
    ids = [ctc.encode(text) for text in ("ab", "b", "a b")]
    together = ctc.loss(enc, lengths, targets(*ids))
    alone = [ctc.loss(enc[i : i + 1, :n], n[None], targets(ids[i])) for i, n in enumerate(lengths)]
    torch.testing.assert_close(together, torch.cat(alone))


def test_two_views_are_drawn_to_each_other_and_padding_is_not_looked_at():
    torch.manual_seed(0)
    ctc, lengths, target = CTC(4, "ab ", consistency=0.2), torch.tensor([3, 2] * 2), targets([0, 1], [1], [0, 1], [1])
    one, other = torch.randn(2, 2, 3, 4)
    assert not ctc.disagreement(torch.cat([one, one]), lengths, target).any()
    apart = ctc.disagreement(torch.cat([one, other]), lengths, target)
    logp, logq = (ctc.outputs(x, lengths[:2]) for x in (one, other))
    kl = (logq.exp() * (logq - logp)).sum(-1)  # of the first view, against the other
    torch.testing.assert_close(apart[:2], 0.2 * torch.stack([kl[0].sum() / 2, kl[1, :2].sum()]))
    enc = torch.cat([one, other]).requires_grad_()
    before = ctc.disagreement(enc, lengths, target).sum()
    before.backward()
    assert ctc.disagreement(enc - enc.grad / 100, lengths, target).sum() < before
    assert not enc.grad[1::2, 2].any()


def test_an_attention_loss_is_that_of_each_next_token_and_does_not_depend_on_the_batch():
    torch.manual_seed(0)
    objective, lengths = Attention(4, "ab ", width=8, heads=2).eval(), torch.tensor([5, 3])
    enc, ids = torch.randn(2, 5, 4), [[0, 1, 2], [1]]
    losses = objective.loss(enc, lengths, targets(*ids))
    for i, (n, own) in enumerate(zip(lengths, ids, strict=True)):
        spelt = objective.network.begin(enc[i : i + 1, :n], n[None], 1)
        said = []
        for last, token in zip([3, *own], [*own, 3], strict=True):  # one after the other, as it decodes
            logits, spelt = objective.network.advance(torch.tensor([last]), spelt)
            said.append(logits[0].log_softmax(-1)[token])
        torch.testing.assert_close(losses[i], -torch.stack(said).mean())


def test_joint_is_the_weighted_sum_and_bad_weights_are_refused():
    torch.manual_seed(0)
    joint, enc, n = (
        Attention(4, "ab ", width=8, heads=2, ctc_weight=0.3).eval(),
        torch.randn(1, 5, 4),
        torch.tensor([5]),
    )
    both = joint.loss(enc, n, targets([0, 1]))
    ctc = joint.ctc.loss(enc, n, targets([0, 1]))
    joint.ctc = None
    torch.testing.assert_close(both, 0.3 * ctc + 0.7 * joint.loss(enc, n, targets([0, 1])))
    for name, value in (("ctc_weight", 1.0), ("label_smoothing", -0.1), ("width", 9)):
        with pytest.raises(UserError, match=f"model.objective.{name}="):
            Attention(4, "ab ", **{"heads": 2, "width": 8} | {name: value})


def test_a_transducer_loss_is_the_sum_over_all_alignments_in_whatever_parts():
    torch.manual_seed(0)
    objective = Transducer(4, "ab ", width=8).eval()
    enc, lengths, ids = torch.randn(3, 4, 4), torch.tensor([4, 2, 3]), [[0, 1, 1], [2], [1, 0]]
    losses = objective.loss(enc, lengths, targets(*ids))
    for i, (n, own) in enumerate(zip(lengths.tolist(), ids, strict=True)):
        along = objective.network.along(torch.tensor([own]))[0]
        logp = objective.network.joined(objective.network.heard(enc[i, :n])[:, None], along).log_softmax(-1)
        total = []
        for frames in combinations_with_replacement(range(n), len(own)):  # in which each token is written
            counts = [sum(frame < t + 1 for frame in frames) for t in range(n)]
            tokens = [logp[t, k, own[k]] for k, t in enumerate(frames)]
            total.append(sum(tokens) + sum(logp[t, counts[t], 3] for t in range(n)))
        torch.testing.assert_close(losses[i], -torch.stack(total).logsumexp(0) / len(own))
    enc.requires_grad_()
    losses = objective.loss(enc, lengths, targets(*ids))
    (whole,) = torch.autograd.grad(losses.sum(), enc)
    objective.logits = 40
    assert [(part.start, part.stop) for part in objective._parts([4, 2, 3], [3, 1, 2])] == [(0, 1), (1, 2), (2, 3)]
    objective.logits = 72
    assert [(part.start, part.stop) for part in objective._parts([4, 2, 3], [3, 1, 2])] == [(0, 1), (1, 3)]
    parts = objective.loss(enc, lengths, targets(*ids))
    torch.testing.assert_close(parts, losses)
    torch.testing.assert_close(torch.autograd.grad(parts.sum(), enc)[0], whole)
    with pytest.raises(UserError, match=r"model.objective.symbols=0 should be 1 or more"):
        Transducer(4, "ab ", symbols=0)


@pytest.mark.parametrize(
    ("frames", "text", "possible"),
    [(2, "ab", True), (1, "ab", False), (2, "aa", False), (3, "aa", True), (4, "aab", True), (3, "aab", False)],
)
def test_feasible_is_what_ctc_can_align(ctc, frames, text, possible):
    target = ctc.encode(text)
    assert ctc.feasible(frames, target) is possible
    loss = ctc.loss(torch.randn(1, frames, 4), torch.tensor([frames]), targets(target))
    assert bool(torch.isfinite(loss)) is possible


@pytest.mark.parametrize(
    ("path", "expected"),
    [("aa-ab", "aab"), ("---", ""), ("a-a", "aa"), ("aaa", "a"), ("-ab-", "ab")],
    ids=["repeats across a blank", "blanks alone", "a blank between", "repeats", "blanks around"],
)
def test_greedy_joins_repeats_and_drops_blanks(path, expected):
    symbols = "ab-"
    logp = torch.full((2, len(path) + 2, 3), -5.0)
    for t, symbol in enumerate(path):
        logp[0, t, symbols.index(symbol)] = -0.1
    logp[0, len(path) :, 1] = -0.1  # padding that must not be read
    tokens, scores = greedy(logp, torch.tensor([len(path), 0]), blank=2)
    assert ["".join(symbols[i] for i in ids) for ids in tokens] == [expected, ""]
    assert scores == pytest.approx([-0.1 * len(path), 0.0])


def test_ctc_text_round_trip_and_strange_characters(ctc):
    assert ctc.text(ctc.encode("  A  b ")) == "a b"
    with pytest.raises(ValueError, match=r"outside model\.objective\.alphabet: 'c' 'é'"):
        ctc.encode("abcé")
    with pytest.raises(ValueError, match="empty"):
        ctc.encode(" ")
    with pytest.raises(UserError, match="each character once"):
        CTC(4, "aba")
    assert CTC(4, "ae\u0301").encode("\u00e9") == [1], "an alphabet has one Unicode form, as texts have"


def test_cross_entropy_takes_its_labels_from_the_training_texts():
    objective = CrossEntropy(4, ["yes", "no", "yes"])
    assert objective.decoder.labels == ["no", "yes"]
    assert objective.text(objective.encode("yes")) == "yes"
    with pytest.raises(ValueError, match="'maybe' is not in the training part"):
        objective.encode("maybe")


def test_cross_entropy_averages_over_the_frames_that_are_there():
    torch.manual_seed(0)
    objective = CrossEntropy(4, ["a", "b", "c"])
    enc, target = torch.randn(1, 6, 4), targets([1])
    padded = torch.cat([enc[:, :4], torch.full((1, 2, 4), 99.0)], 1)
    alone = objective.loss(enc[:, :4], torch.tensor([4]), target)
    torch.testing.assert_close(objective.loss(padded, torch.tensor([4]), target), alone)
    assert objective.decode(padded, torch.tensor([4])) == objective.decode(enc[:, :4], torch.tensor([4]))


def test_cross_entropy_refuses_transcripts():
    with pytest.raises(UserError, match=r"choose model=crnn_ctc"):
        CrossEntropy(4, [f"sentence {i}" for i in range(50)])

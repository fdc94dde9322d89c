"""Searches with a lexicon and with language models, beside sums over all alignments."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from itertools import groupby, product

import pytest
import torch

from asrx.config.build import build
from asrx.decoding.characters import CharacterSearch
from asrx.decoding.ctc import CTCDecoder
from asrx.decoding.flashlight import speaking
from asrx.decoding.words import WordSearch
from asrx.export.folder import _node
from asrx.language import arpa
from asrx.language.kneser_ney import train
from asrx.language.tokens import tokens
from asrx.types import TextDecoder, UserError

LABELS = "ab "
BLANK = 3
WORDS = ["a", "ab", "b"]
TEXT = ["a ab", "a ab", "ab b", "b", "b a", "a"]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """ARPA files of words and of characters."""
    folder = tmp_path_factory.mktemp("models")
    for kind in ("words", "characters"):
        with (folder / f"{kind}.arpa").open("w") as file:
            arpa.write(train([tokens(sentence, kind) for sentence in TEXT], 2), file)
    return folder


def log_probability(said: list[str], kind: str = "words") -> float:
    """Of a sentence, by the model of `models`."""
    model = train([tokens(sentence, kind) for sentence in TEXT], 2)
    total, before = 0.0, "<s>"
    for token in [*said, "</s>"]:
        token = token if (token,) in model.probabilities[0] else "<unk>"
        p = model.probabilities[1].get((before, token))
        total += math.log(p or model.backoffs[0].get((before,), 1.0) * model.probabilities[0][(token,)])
        before = token
    return total


def totals(logp_TV: torch.Tensor) -> dict[str, float]:
    """The probability of each text, over every alignment."""
    found = defaultdict(float)
    for path in product(range(BLANK + 1), repeat=len(logp_TV)):
        text = "".join(LABELS[i] for i, _ in groupby(path) if i != BLANK)
        found[text] += math.exp(sum(float(logp_TV[t, i]) for t, i in enumerate(path)))
    return found


def text(ids: list[int]) -> str:
    return "".join(LABELS[i] for i in ids)


@pytest.mark.parametrize("with_lm", [False, True])
@pytest.mark.parametrize("word_score", [0.0, 1.0])
def test_words_are_found_that_are_together_the_most_probable(with_lm, word_score, models):
    torch.manual_seed(0)
    lengths = torch.tensor([6, 5, 6, 0, 6, 4, 6, 6])
    logp = torch.randn(8, 6, 4).log_softmax(-1)
    lm = {"lm": str(models / "words.arpa"), "lm_weight": 0.7} if with_lm else {}
    search = WordSearch(LABELS, WORDS, word_score=word_score, beam=1000, **lm)
    found, scores = search(logp, lengths, BLANK)
    for i, n in enumerate(lengths.tolist()):
        of_words = defaultdict(float)
        for written, p in totals(logp[i, :n]).items():  # spaces on the edge and twice are one
            if set(written.split()) <= set(WORDS):
                of_words[" ".join(written.split())] += p
        worth = {
            said: math.log(p)
            + word_score * len(said.split())
            + (0.7 * log_probability(said.split()) if with_lm else 0.0)
            for said, p in of_words.items()
        }
        best = max(worth, key=worth.get)
        assert text(found[i]) == best
        assert scores[i] == pytest.approx(worth[best], abs=1e-3) or n == 0


def test_characters_are_found_that_are_together_the_most_probable(models):
    torch.manual_seed(0)
    logp = torch.randn(8, 5, 4).log_softmax(-1)
    search = CharacterSearch(LABELS, str(models / "characters.arpa"), lm_weight=0.7, beam=1000)
    found, scores = search(logp, torch.full((8,), 5), BLANK)
    for i in range(8):
        worth = {
            said: math.log(p) + 0.7 * log_probability(tokens(said, "characters"), "characters")
            for said, p in totals(logp[i]).items()
        }
        best = max(worth, key=worth.get)
        assert text(found[i]) == best
        assert scores[i] == pytest.approx(worth[best], abs=1e-3)


def sure(path: str) -> torch.Tensor:
    """Log probabilities in which each frame says its character; `_` is the blank."""
    logp_TV = torch.full((len(path), 4), 1e-5)
    for frame, character in enumerate(path):
        logp_TV[frame, "ab _".index(character)] = 1 - 3e-5
    return logp_TV.log()


@pytest.mark.parametrize("path", ["ab", "a_b_", "__ab__ __a___", "aa_b  _bb", " ab _", "____", "a"])
def test_the_last_word_is_not_lost_and_silence_costs_nothing(path):
    logp = sure(path)
    ids, scores = WordSearch(LABELS, WORDS)(logp[None], torch.tensor([len(path)]), BLANK)
    assert text(ids[0]) == "".join(c for c, _ in groupby(path) if c != "_").strip()
    assert scores[0] == pytest.approx(0, abs=1e-2)


def test_surely_blank_frames_are_left_out_but_one_of_each_stretch():
    logp = sure("___a___a_")
    kept, dropped = speaking(logp, BLANK)
    assert torch.equal(kept, logp[[0, 3, 4, 7, 8]])
    assert dropped == pytest.approx(4 * float(logp[0, BLANK]))


def test_padding_and_batch_change_nothing(models):
    torch.manual_seed(1)
    logp, lengths = torch.randn(4, 15, 4).log_softmax(-1), torch.tensor([15, 0, 7, 12])
    for search in (
        WordSearch(LABELS, WORDS, lm=str(models / "words.arpa"), phrases=["b a"]),
        CharacterSearch(LABELS, str(models / "characters.arpa")),
    ):
        together = search(logp, lengths, BLANK)
        alone = [search(logp[i : i + 1, :n], n[None], BLANK) for i, n in enumerate(lengths)]
        assert together == ([ids[0] for ids, _ in alone], [score[0] for _, score in alone])


def test_expected_phrases_are_found_in_what_is_unclear():
    logp = torch.tensor([[[0.45, 0.55, 1e-4, 1e-4], [1e-4, 1e-4, 1, 1e-4], [0.45, 0.55, 1e-4, 1e-4]]]).log()
    n = torch.tensor([3])
    assert text(WordSearch(LABELS, WORDS)(logp, n, BLANK)[0][0]) == "b b"
    assert text(WordSearch(LABELS, WORDS, phrases=["a a"], boost=1.0)(logp, n, BLANK)[0][0]) == "a a"
    # a phrase that breaks off takes back what it was worth
    assert text(WordSearch(LABELS, WORDS, phrases=["a a a"], boost=1.0)(logp, n, BLANK)[0][0]) == "b b"
    assert text(WordSearch(LABELS, ["b"], phrases=["a"], boost=1.0)(logp, n, BLANK)[0][0]) == "a a"


def test_an_export_makes_the_same_searches_again(models):
    torch.manual_seed(2)
    logp, lengths = torch.randn(3, 12, 4).log_softmax(-1), torch.tensor([12, 9, 11])
    for search in (
        None,
        WordSearch(LABELS, WORDS, word_score=0.5),
        WordSearch(LABELS, WORDS, lexicon=["b", *WORDS], lm=str(models / "words.arpa"), phrases=["b b"]),
        CharacterSearch(LABELS, str(models / "characters.arpa"), beam=7),
    ):
        decoder = CTCDecoder(LABELS, search)
        again = build(json.loads(json.dumps(_node(decoder))), TextDecoder)
        assert again(logp, lengths) == decoder(logp, lengths)


def test_what_cannot_be_used_is_answered_in_a_sentence(models, tmp_path):
    lexicon, lm = tmp_path / "words.txt", str(models / "words.arpa")

    def refused(why, *arguments, make=WordSearch, **named):
        with pytest.raises(UserError, match=why):
            make(*arguments, **named)

    refused("alphabet has no space", "ab", WORDS)
    refused("does not say which words", LABELS, None)
    refused(r"decode\.beam=0", LABELS, WORDS, beam=0)
    refused(r"decode\.phrases: 'c' cannot be written \(characters outside", LABELS, WORDS, phrases=["a c"])
    for content, why in (
        ("a\n\nab\n", r"words\.txt lacks 1 words of the training transcripts, such as b: add them"),
        ("a\nab\nb\nB\n", r"words\.txt:4: 'B' cannot be written \(characters outside model\.objective\.alphabet: 'B'"),
        ("a a\n", r"words\.txt:1 holds several words"),
    ):
        lexicon.write_text(content)
        refused(why, LABELS, WORDS, lexicon=str(lexicon))
    lexicon.write_bytes(b"\xff")
    refused(r"words\.txt cannot be read \(it is not UTF-8\)", LABELS, WORDS, lexicon=str(lexicon))
    refused(r"none\.txt cannot be read \(No such file", LABELS, WORDS, lexicon=str(tmp_path / "none.txt"))
    refused(r"lacks 3 of the 4 words of this model, such as bb, bbb", LABELS, ["a", "bb", "bbb", "bbbb"], lm=lm)
    refused(r"another vocabulary: it lacks 2 of the 3 words", "a ", None, lm=lm)
    refused("is of characters", LABELS, WORDS, lm=str(models / "characters.arpa"))
    refused(r"1 of its 3 tokens|2 of its 3 tokens", "b ", lm=str(models / "words.arpa"), make=CharacterSearch)
    whole = (models / "words.arpa").read_text()
    (tmp_path / "cut.arpa").write_text(whole[: len(whole) // 2])
    refused("damaged or cut off", LABELS, WORDS, lm=str(tmp_path / "cut.arpa"))
    (tmp_path / "odd.arpa").write_text(whole.replace("\n-", "\nx", 1))
    refused("cannot be read by KenLM", LABELS, WORDS, lm=str(tmp_path / "odd.arpa"))

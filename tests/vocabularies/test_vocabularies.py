"""What transcripts are spelt with, in every objective, search and form."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from asrx.config.build import build
from asrx.decoding.ctc import CTCDecoder
from asrx.decoding.words import WordSearch
from asrx.export.folder import _node
from asrx.metrics.error_rate import ErrorRate
from asrx.objectives.attention import Attention
from asrx.objectives.ctc import CTC
from asrx.objectives.transducer import Transducer
from asrx.training.pipeline import set_search, vocabulary_of
from asrx.types import Targets, TextDecoder, UserError
from asrx.vocabularies.base import Vocabulary, one_form
from asrx.vocabularies.characters import Characters
from asrx.vocabularies.phones import Phones
from asrx.vocabularies.subwords import Subwords
from asrx.vocabularies.words import Words

TEXTS = ["one two", "two to one", "<ar> واحد اثنان", "<ar> واحد", "café one"]
LEXICON = "one  w ah n\ntwo\tt uw\nto t uw\nواحد w a\nاثنان i th n\ncaf\u00e9 k a f\none w o n\n"  # noqa: RUF001


@pytest.fixture(scope="module")
def recipes(tmp_path_factory):
    lexicon = tmp_path_factory.mktemp("lexicon") / "words.txt"
    lexicon.write_text(LEXICON, encoding="utf-8")
    return {"characters": Characters(), "words": Words(), "phones": Phones(str(lexicon)), "subwords": Subwords(30)}


KINDS = ("characters", "words", "phones", "subwords")


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_comes_back_and_plain_data_makes_the_vocabulary_again(recipes, kind):
    vocabulary = recipes[kind].made(TEXTS, None)
    assert vocabulary.unit == kind
    again = build(json.loads(json.dumps(vocabulary.node())), Vocabulary)
    assert again.labels == vocabulary.labels == recipes[kind].made(TEXTS, None).labels
    assert len(set(vocabulary.labels)) == len(vocabulary.labels)
    for text in TEXTS:
        ids = vocabulary.encode(text)
        assert vocabulary.text(ids) == (text if kind != "phones" else text.replace("to", "two"))  # they sound alike
        assert again.encode(text) == ids
        assert [word for word, _ in vocabulary.words(text)] == text.split()
    (ar,) = vocabulary.spell("<ar>")[-1:]
    assert vocabulary.labels[ar].strip("▁") == "<ar>", "a mark is one label"
    with pytest.raises(ValueError, match=r"'ж|'жe'"):
        vocabulary.encode("one жe")


def test_one_word_has_one_form_however_it_is_spelt():
    objective = CTC(4, vocabulary=Words(), texts=["Cafe\u0301, one!", "caf\u00e9"], drop=",!")
    assert objective.vocabulary.labels == ["▁café", "▁one"]
    assert objective.encode("CAFE\u0301!") == objective.encode("caf\u00e9") == [0]
    assert one_form("I\u0307", True, "") == one_form("\u0130", True, ""), "lower-casing leaves NFC"
    assert CTC(4, "ab ", lowercase=True, drop=".").encode("A.b.") == [0, 1]


def test_subwords_join_what_often_stands_together_and_depend_on_the_texts_alone():
    texts = ["one one two", "two one", "four two"] * 5
    made = Subwords(12).made(texts, None)
    assert "▁one" in made.labels
    assert made.encode("one two") == made.encode("one") + made.encode("two")
    assert Subwords(12).made(texts[::-1], None).model == made.model, "the order of a corpus changes nothing"
    assert Subwords(12).made(["six six"] * 9, None).labels != made.labels
    for recipe, why in (
        (Subwords(2), r"size=2 gives no subwords of the training transcripts \(.*\): choose another size"),
        (Subwords(1), "size=1 should be a whole number from 2"),
        (Subwords(9, "word"), "kind=word is neither unigram nor bpe"),
    ):
        with pytest.raises(UserError, match=why):
            recipe.made(texts, None)


def test_words_that_are_too_many_and_lexicons_that_lack_some_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"has 4 different words, more than model\.objective\.vocabulary\.most=3"):
        Words(3).made(["a b", "c d"], None)
    lexicon = tmp_path / "words.txt"
    for content, why in (
        ("one w ah n\n", r"words\.txt lacks 2 of the 3 words of the training transcripts, such as to, two: add"),
        ("one w ah n\ntwo\n", r"words\.txt:2 has no phones after 'two'"),
    ):
        lexicon.write_text(content)
        with pytest.raises(UserError, match=why):
            Phones(str(lexicon)).made(TEXTS[:2], None)
    with pytest.raises(UserError, match=r"lexicon=.*none\.txt cannot be read \(No such file"):
        Phones(str(tmp_path / "none.txt")).made(TEXTS, None)


def test_phones_that_are_no_word_are_written_as_they_are_and_found_again(recipes):
    vocabulary = recipes["phones"].made(TEXTS, None)
    ids = [vocabulary.labels.index(phone) for phone in ("w", "ah", " ", "t", "uw")]
    assert vocabulary.text([vocabulary.gap, *ids, vocabulary.gap]) == "·w·ah two"
    assert vocabulary.encode("·w·ah two") == ids


def made_of(kind: str, recipes, name: str):
    torch.manual_seed(0)
    more = {"vocabulary": recipes[kind], "texts": TEXTS}
    if name == "ctc":
        return CTC(4, **more).eval()
    if name == "transducer":
        return Transducer(4, width=8, **more).eval()
    return Attention(4, width=8, heads=2, ctc_weight=0.3 if name == "joint" else 0.0, **more).eval()


@torch.inference_mode()
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["ctc", "attention", "joint", "transducer"])
def test_every_objective_writes_with_every_vocabulary(recipes, kind, name):
    objective, n = made_of(kind, recipes, name), torch.tensor([30])
    enc, ids = torch.randn(1, 30, 4), objective.encode("two one")
    assert torch.isfinite(objective.loss(enc, n, Targets(torch.tensor([ids]), torch.tensor([len(ids)])))).all()
    outputs = objective.outputs(enc, n)
    for decode in ("asrx.decoding.greedy.Greedy", "asrx.decoding.beam.Beam"):
        set_search(OmegaConf.create({"_target_": decode}), objective, None)
        (hypothesis,) = objective.decoder(outputs, n)
        confidence, words = objective.decoder.explain(outputs[0], hypothesis.text)
        assert [word.text for word in words] == hypothesis.text.split() or not words
        assert 0 <= confidence <= 1
    confidence, words = objective.decoder.explain(outputs[0], "two one")
    assert [word.text for word in words] == ["two", "one"]
    assert words[0].end <= words[1].start + (name == "transducer")
    kept = build(vocabulary_of(objective), Vocabulary)
    assert (
        type(objective)(
            4, kept=kept, **({} if name == "ctc" else {"width": 8} | ({} if name == "transducer" else {"heads": 2}))
        ).encode("two one")
        == ids
    )


def test_words_in_subwords_lie_where_they_are_said():
    vocabulary = Subwords(12).made(["one two"] * 9 + ["two four"] * 9, None)
    ids = vocabulary.encode("one two")
    decoder, blank = CTCDecoder(vocabulary.labels, vocabulary=vocabulary), len(vocabulary.labels)
    path = [blank, *(i for token in ids for i in (token, token, blank))]
    logp = torch.full((len(path), blank + 1), -9.0).scatter(1, torch.tensor(path)[:, None], 0.0).log_softmax(1)
    assert decoder(logp[None], torch.tensor([len(path)]))[0].text == "one two"
    _, (one, two) = decoder.explain(logp, "one two")
    assert (one.start, one.end) == (1, 3 * len(vocabulary.encode("one")))
    assert two.start == one.end + 1
    assert decoder.explain(logp[:1], "one two one two") == (0.0, []), "too many tokens for the frames"


def test_an_export_s_decoder_spells_alike(recipes):
    for kind in KINDS:
        vocabulary = recipes[kind].made(TEXTS, None)
        decoder = CTCDecoder(vocabulary.labels, vocabulary=vocabulary)
        again = build(json.loads(json.dumps(_node(decoder))), TextDecoder)
        logp, n = torch.randn(2, 12, len(vocabulary.labels) + 1).log_softmax(-1), torch.tensor([12, 9])
        assert again(logp, n) == decoder(logp, n)


def test_a_lexicon_search_writes_words_by_their_phones(recipes):
    vocabulary = recipes["phones"].made(TEXTS, None)
    search = WordSearch(vocabulary.labels, ["one", "two"], vocabulary=vocabulary)
    blank = len(vocabulary.labels)
    path = [vocabulary.labels.index(phone) for phone in ("t", "uw", " ", "w", "w", "n", "n")]  # without ah
    logp = torch.full((1, len(path), blank + 1), -5.0)
    logp[0, range(len(path)), path] = 0.0
    ids, _ = search(logp.log_softmax(-1), torch.tensor([len(path)]), blank)
    assert vocabulary.text(ids[0]) == "two one"
    again = build(
        json.loads(json.dumps(_node(CTCDecoder(vocabulary.labels, search, vocabulary=vocabulary)))), TextDecoder
    )
    assert again(logp, torch.tensor([len(path)]))[0].text == "two one"


def test_searches_that_cannot_spell_so_are_refused_by_name(recipes):
    for kind, target, units in (
        ("subwords", "words.WordSearch", "characters or phones"),
        ("words", "words.WordSearch", "characters or phones"),
        ("phones", "characters.CharacterSearch", "characters"),
    ):
        objective = made_of(kind, recipes, "ctc")
        node = OmegaConf.create({"_target_": f"asrx.decoding.{target}"})
        with pytest.raises(UserError, match=f"spells with {units}, and this model writes {kind}: use decode=greedy"):
            set_search(node, objective, ["one"])


def test_marks_are_in_no_error_rate():
    errors = ErrorRate()
    errors.update(["<ar> واحد اثنان", "<en> one"], ["<en> واحد", "one <x"])
    figures = errors.compute()
    assert (figures["words"], figures["word_deletions"], figures["word_insertions"]) == (3, 1, 1)


SHORT = ["model.encoder.width=32", "dataset.batch_size=8", "trainer=cpu", "trainer.enable_progress_bar=false"]
SUBWORDS = ["model/objective/vocabulary=subwords", "model.objective.vocabulary.size=8", "optimizer.lr=0.01"]


@pytest.fixture(scope="module")
def subwords(run_of, tones) -> Path:
    return run_of(*tones, *SHORT, *SUBWORDS, "trainer.max_epochs=30", "logger=csv")


def said(folder: Path) -> dict[str, str]:
    return {row["audio"]: row["hypothesis"] for row in map(json.loads, open(folder / "predictions.jsonl"))}


@pytest.mark.slow
def test_a_checkpoint_alone_writes_its_subwords_and_so_does_an_export(subwords, tmp_path):
    import asrx
    from asrx.export.export import export

    assert any(said(subwords).values()), "it writes something"
    alone = shutil.copy(subwords / "best.ckpt", tmp_path / "alone.ckpt")
    export(subwords, tmp_path / "exported")
    for path in (alone, tmp_path / "exported"):
        recognizer = asrx.load(path)
        for audio, text in said(subwords).items():
            found = recognizer(audio)
            assert found.text == text
            assert [word.text for word in found.words] == text.split()
    tokens = (tmp_path / "exported" / "tokens.txt").read_text(encoding="utf-8")
    assert "<blk>" in tokens and "▁" in tokens


@pytest.mark.slow
def test_a_checkpoint_of_another_vocabulary_is_refused(subwords, launch, tones, copy_of):
    other = [*tones, *SHORT, *SUBWORDS, "model.objective.vocabulary.kind=bpe", "trainer.max_epochs=1"]
    init = f"model.init={{_target_:asrx.models.sparse.load,checkpoint:{subwords}/best.ckpt,amount:0.5}}"
    with pytest.raises(SystemExit, match=r"^asrx: model\.init\.checkpoint=.* is of another vocabulary: the \d+ labels"):
        launch(*other, init)
    run = copy_of(*other, "logger=csv")
    for name in ("best.ckpt", "last.ckpt"):
        shutil.copy(subwords / name, run / name)
    (run / "metrics.json").unlink()
    with pytest.raises(SystemExit, match=r"^asrx: The checkpoint is of another run: the \d+ labels that it writes"):
        launch(f"resume={run}")

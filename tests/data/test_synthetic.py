from __future__ import annotations

from collections import Counter
from importlib import metadata
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from asrx.config.compose import compose
from asrx.data.corpora import synthetic
from asrx.data.corpora.synthetic import Synthetic
from asrx.types import UserError

SIZES = {"train": 12, "val": 4, "test": 4}
SMALL = {"train": 24, "val": 4, "test": 6}


def test_the_same_arguments_give_the_same_bytes_and_are_made_once(tmp_path, monkeypatch):
    first = Synthetic(str(tmp_path / "a"), **SMALL).prepare()
    second = Synthetic(str(tmp_path / "b"), **SMALL).prepare()
    assert [u.text for u in first] == [u.text for u in second]
    assert [Path(u.audio).read_bytes() for u in first] == [Path(u.audio).read_bytes() for u in second]
    monkeypatch.setattr(synthetic, "_make", None)
    assert Synthetic(str(tmp_path / "a"), **SMALL).prepare() == first


def test_other_words_are_another_corpus(tmp_path):
    first = Synthetic(str(tmp_path), **SMALL).prepare()
    second = Synthetic(str(tmp_path), **SMALL, words=["hello", "world"]).prepare()
    assert Path(first[0].audio).parent != Path(second[0].audio).parent
    assert {word for u in second for word in u.text.split()} == {"hello", "world"}


def test_hello_world_has_twenty_clips_of_each_word_halved_in_every_part(tmp_path):
    corpus = OmegaConf.to_container(compose(["experiments=hello_world"]).dataset.corpus)
    assert corpus.pop("_target_").endswith(".Synthetic")
    plan = Synthetic(**corpus | {"cache": str(tmp_path)})._plan()
    counts = Counter((phrase.utterance.split, phrase.utterance.text) for phrase in plan)
    assert counts == {(part, word): n for part, n in SIZES.items() for word in ("hello", "world")}


def test_no_voice_is_in_two_parts(tmp_path):
    voices = {split: set() for split in ("train", "val", "test")}
    for phrase in Synthetic(str(tmp_path), train=200, val=40, test=40)._plan():
        voices[phrase.utterance.split].add(phrase.utterance.speaker)
    assert [len(v) for v in voices.values()] == [59, 8, 12]
    assert len(set.union(*voices.values())) == 79


def test_without_the_synthesiser(tmp_path, monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(UserError, match=r"pip install 'asrx\[synthetic\]'"):
        Synthetic(str(tmp_path)).prepare()

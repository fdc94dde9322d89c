from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import soundfile
from omegaconf import OmegaConf

from asrx.config.compose import compose
from asrx.data import prepare as module
from asrx.data.copies import plan
from asrx.data.prepare import Prepared, prepare
from asrx.data.store import Store
from asrx.types import Utterance

RATE = 8000
LOUD = {"_target_": "asrx.augment.gain.Gain", "gain_db": [6, 6]}
QUIET = {"_target_": "asrx.augment.gain.Gain", "gain_db": [-6, -6]}
TWICE = [[None, QUIET]]
MIXUP = {"alpha": 0.5, "draw": "sample"}
# copies are made before the split, which gives the held-out part to validation and test alike
POOLED = {"_target_": "asrx.data.splits.train_test_split.TrainTestSplit", "held_out": 0.3, "seed": 1}
LAST_HALF = {"_target_": "asrx.data.splits.validation_split.ValidationSplit", "val": 0.5}
STRATIFIED = {"_target_": "asrx.data.splits.stratified.Stratified", "val": 0.2, "test": 0.2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten recordings each of yes and no to train on, and two each to test on."""
    root = tmp_path_factory.mktemp("folder")
    rng = np.random.default_rng(0)
    for part, count in (("train", 10), ("test", 2)):
        for label in ("no", "yes"):
            (root / part / label).mkdir(parents=True)
            for i in range(count):
                samples = rng.uniform(-0.4, 0.4, rng.integers(100, 400))
                soundfile.write(root / part / label / f"{label}-{part}-{i}.wav", samples, RATE)
    return root


def prepared(folder, cache, split, **offline) -> Prepared:
    settings = {"stages": [], "mixup": None, "share": 1.0, "bootstrap": False, "before_split": False, "seed": 0}
    corpus = {"_target_": "asrx.data.corpora.folder.Folder", "root": str(folder)}
    return prepare(
        OmegaConf.create({
            "dataset": {"corpus": corpus, "split": split, "sample_rate": RATE, "fold": None},
            "augment": {"offline": settings | offline},
            "data_dir": str(cache),
        })
    )  # fmt: skip


def source(utterance: Utterance) -> str:
    return utterance.id.partition("#")[0]


def kinds(utterances) -> Counter:
    """How many there are in each part, of the recordings themselves and of copies."""
    return Counter((u.split, u.copy) for u in utterances)


def test_without_copies_nothing_but_the_split_happens(folder, tmp_path):
    utterances, store, _ = prepared(folder, tmp_path, STRATIFIED)
    assert kinds(utterances) == {("train", 0): 16, ("val", 0): 4, ("test", 0): 4}
    assert len(store) == len(utterances) == len({u.id for u in utterances})


def test_after_the_split_only_the_training_part_is_copied(folder, tmp_path):
    utterances, *_ = prepared(folder, tmp_path, STRATIFIED, stages=TWICE, mixup=MIXUP)
    assert kinds(utterances) == {("train", n): 16 for n in (0, 2, -1)} | {("val", 0): 4, ("test", 0): 4}
    held_out = {u.id for u in utterances if u.split != "train"}
    assert not held_out & {source(u) for u in utterances if u.split == "train"}


def test_mixtures_after_the_split_hold_no_recording_of_another_part(folder, tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(module, "_in_order", lambda *arguments: seen.update(arguments[3]))
    utterances, *_ = prepared(folder, tmp_path, STRATIFIED, mixup=MIXUP)
    held_out = {u.id for u in utterances if u.split != "train"}
    assert len(seen) == 16
    assert not held_out & {name for mixture in seen.values() for name in (mixture.first, mixture.second)}


def test_before_the_split_copies_of_one_recording_may_part(folder, tmp_path):
    """As published: a voice that is trained on is validated on."""
    utterances, *_ = prepared(folder, tmp_path, POOLED, stages=TWICE, before_split=True)
    assert Counter(u.split for u in utterances) == {"train": 33, "val": 15, "test": 15}
    train, val = ({source(u) for u in utterances if u.split == split} for split in ("train", "val"))
    assert train & val


@pytest.mark.parametrize(
    "changes", [{"stages": TWICE}, {"mixup": MIXUP}, {"bootstrap": True}], ids=lambda c: next(iter(c))
)
def test_before_the_split_the_corpus_s_test_part_is_left_alone(folder, tmp_path, changes):
    utterances, *_ = prepared(folder, tmp_path, LAST_HALF, before_split=True, **changes)
    tested = [u.id for u in utterances if u.split == "test"]
    assert len(tested) == 4 and all("-test-" in name and "#" not in name for name in tested)
    assert not any("-test-" in u.id for u in utterances if u.split != "test")


def samples(store: Store, place: int) -> np.ndarray:
    return store.gather(np.array([place]))[0][0]


@pytest.mark.parametrize("before_split", [True, False])
@pytest.mark.parametrize("bootstrap", [True, False])
def test_every_utterance_has_its_own_samples(folder, tmp_path, before_split, bootstrap):
    split = POOLED if before_split else STRATIFIED
    stages = [[None, QUIET, LOUD]]
    utterances, store, _ = prepared(
        folder, tmp_path, split, stages=stages, bootstrap=bootstrap, before_split=before_split, share=0.5
    )
    recorded = {u.id: soundfile.read(u.audio)[0] for u in utterances}
    gains = {0: 0, 2: -6, 3: 6}
    assert {u.copy for u in utterances} == set(gains)
    assert len(store) == len(utterances)
    for place, u in enumerate(utterances):
        expected = recorded[u.id] * 10 ** (gains[u.copy] / 20)
        np.testing.assert_allclose(samples(store, place), expected, atol=2 / 32768, err_msg=u.id)


def test_every_mixture_has_the_samples_of_its_two(folder, tmp_path, monkeypatch):
    made = {}

    def recorded_plan(*arguments):
        planned, mixtures = plan(*arguments)
        made.update(mixtures)
        return planned, mixtures

    monkeypatch.setattr(module, "plan", recorded_plan)
    utterances, store, _ = prepared(folder, tmp_path, STRATIFIED, mixup=MIXUP)
    recorded = {u.id: np.pad(soundfile.read(u.audio)[0], (0, 400))[:400] for u in utterances if u.copy == 0}
    mixed = {u.id: np.pad(samples(store, place), (0, 400))[:400] for place, u in enumerate(utterances) if u.copy == -1}
    assert len(mixed) == 16
    for name, wave in mixed.items():
        first, second, weight = made[name]
        expected = weight * recorded[first] + (1 - weight) * recorded[second]
        np.testing.assert_allclose(wave, expected, atol=2 / 32768)


def test_one_seed_gives_one_data_set_and_another_another(folder, tmp_path):
    settings = {"stages": [[None, {"_target_": "asrx.augment.uniform_noise.UniformNoise"}]], "mixup": MIXUP}
    first, again, other = (
        prepared(folder, tmp_path / name, STRATIFIED, seed=seed, **settings)
        for name, seed in (("first", 0), ("again", 0), ("other", 1))
    )
    assert again[0] == first[0] and again[1].fingerprint == first[1].fingerprint
    assert other[0] != first[0] and other[1].fingerprint != first[1].fingerprint


def test_copies_of_unusable_audio_are_listed_with_it(folder, tmp_path):
    broken = folder / "train" / "no" / "broken.wav"
    broken.write_text("no audio")
    try:
        utterances, store, _ = prepared(folder, tmp_path, LAST_HALF, stages=TWICE, before_split=True)
    finally:
        broken.unlink()
    assert {place for place, u in enumerate(utterances) if "broken" in u.id} == set(store.errors)
    assert len(store.errors) == 2
    assert all(text.startswith("cannot be read") for text in store.errors.values())


DIGITS = [
    Utterance(f"{d}_{s}_{i:02d}", "a.wav", str(d), s, "test" if i < 5 else "train")
    for d in range(10)
    for s in ("jackson", "nicolas", "theo", "yweweler")
    for i in range(50)
]
IMAGES = [
    Utterance(f"{part}/{i}", "a.png", f"word{i % 12}", split=part)
    for part, count in (("train", 2001), ("test", 1171))
    for i in range(count)
]


@pytest.mark.parametrize(
    ("experiment", "corpus", "expected"),
    [
        ("digits_mel", DIGITS, {("train", 0): 1400, ("val", 0): 600, ("test", 0): 600}),
        (
            "digits_mel_9x",
            DIGITS,
            {("train", n): 1600 for n in (0, *range(2, 10))} | {("val", 0): 400, ("test", 0): 400},
        ),
        ("images_cnn", IMAGES, {("train", 0): 1000, ("val", 0): 1001, ("test", 0): 1171}),
        ("images_combined1", IMAGES, {("train", 0): 2001, ("val", 2): 2001, ("test", 0): 1171}),
        (
            "images_combined2",
            IMAGES,
            {("train", 0): 2001, ("train", 2): 1000, ("val", 2): 1001, ("val", -1): 2001, ("test", 0): 1171},
        ),
        ("images_combined3", IMAGES, {("train", 0): 2001, ("val", -1): 2001, ("test", 0): 1171}),
        ("images_bagging", IMAGES, {("train", 0): 1000, ("val", 0): 1001, ("test", 0): 1171}),
        (
            "images_combined2_corrected",
            IMAGES,
            {("train", n): 1605 for n in (0, 2, -1)} | {("val", 0): 396, ("test", 0): 1171},
        ),
    ],
)
def test_the_sizes_of_what_was_published(monkeypatch, experiment, corpus, expected):
    """From names alone: no audio is read."""
    cfg = compose([f"experiments={experiment}"])
    target = cfg.dataset.corpus._target_
    own, real = type("Names", (), {"prepare": lambda self: corpus, "decoder": None}), module.build
    monkeypatch.setattr(module, "build", lambda node, kind: own() if node["_target_"] == target else real(node, kind))
    monkeypatch.setattr(module, "build_store", lambda *_: None)
    monkeypatch.setattr(module, "_in_order", lambda *_: None)
    monkeypatch.setattr(module, "_made_of", lambda *_: [])
    assert kinds(prepare(cfg)[0]) == expected

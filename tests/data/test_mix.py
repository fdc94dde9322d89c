"""Several corpora at once: `dataset=mix`."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from corpus import RATE, labels, write_manifest

from asrx.config.build import build
from asrx.config.check import checked
from asrx.data.batching import BucketSampler
from asrx.data.corpora.mix import Mix
from asrx.data.drawing import DrawingSampler, Drawn, draws
from asrx.data.parts import told, weights
from asrx.data.splits.of_parts import OfParts
from asrx.types import Corpus, Split, UserError, Utterance

LENGTHS = np.random.default_rng(0).integers(1000, 50000, 203)
DRAWN = [Drawn(list(range(0, 60)), 90), Drawn(list(range(60, 203)), 30)]  # the first half again; one in five
SETTINGS = (8, 160_000, 6)


class Killed(BaseException):
    pass


def written(node) -> str:
    """As on the command line."""
    if not isinstance(node, dict):
        return str(node)
    return "{" + ", ".join(f"{name}: {written(value)}" for name, value in node.items()) + "}"


@pytest.fixture(scope="module")
def parts(miniatures) -> dict:
    return {
        "digits": {"dataset": "fsdd", "root": f"{miniatures}/FSDD", "split": {"seed": 3}},
        "letters": {"dataset": "an4", "root": f"{miniatures}/AN4", "sample_rate": 8000},
    }


def alone(dataset: str, *overrides: str) -> list[Utterance]:
    cfg = checked([f"dataset={dataset}", *overrides])
    return build(cfg.dataset.split, Split).assign(build(cfg.dataset.corpus, Corpus).prepare())


def test_the_utterances_are_those_of_the_parts_under_the_names_of_these(parts):
    found = Mix(parts, "unused", 8000).prepare()
    assert Counter(u.corpus for u in found) == {"digits": 120, "letters": 48}
    assert all(u.id.startswith(f"{u.corpus}/") and u.speaker.startswith(f"{u.corpus}/") for u in found)
    assert len({u.id for u in found}) == len(found)


def test_each_part_is_split_as_it_is_alone(parts, miniatures):
    parts = parts | {"letters": parts["letters"] | {"split": {"choice": "random", "val": 0.25}}}
    mixed = OfParts(parts).assign(Mix(parts, "unused", 8000).prepare())
    of_digits = alone("fsdd", f"dataset.root={miniatures}/FSDD", "dataset.split.seed=3")
    of_letters = alone("an4", f"dataset.root={miniatures}/AN4", "dataset/split=random", "dataset.split.val=0.25")
    expected = {f"digits/{u.id}": u.split for u in of_digits} | {f"letters/{u.id}": u.split for u in of_letters}
    assert {u.id: u.split for u in mixed} == expected


def test_a_fold_is_that_of_every_part(parts):
    protocol = OfParts({name: part | {"split": "random"} for name, part in parts.items()})
    folded = protocol.fold(protocol.assign(Mix(parts, "unused", 8000).prepare()), 3, 0)
    for name in parts:
        counts = Counter(u.split for u in folded if u.corpus == name)
        assert counts["val"] == pytest.approx((counts["val"] + counts["train"]) / 3, abs=1)


def test_speakers_are_promised_to_be_in_one_part_where_all_promise_it(parts):
    assert not OfParts(parts).speaker_disjoint  # digits are split label by label
    assert OfParts({name: part | {"split": "by_speaker"} for name, part in parts.items()}).speaker_disjoint


def utterances(**counts: int) -> list[Utterance]:
    return [Utterance(f"{name}/{i}", "", "", corpus=name) for name, count in counts.items() for i in range(count)]


@pytest.mark.parametrize(
    ("weight", "times"),
    [
        ({"a": 1, "b": 1}, [60, 60]),
        ({"a": 1, "b": 3}, [30, 90]),
        ({"a": 0.2, "b": 0.1}, [80, 40]),
        ({"a": 1, "b": 2, "gone": 7}, [40, 80]),
    ],
    ids=["alike", "one to three", "fractions", "one without training part"],
)
def test_an_epoch_takes_the_parts_in_proportion_to_their_weights(weight, times):
    assert [drawn.times for drawn in draws(utterances(a=20, b=100), weight)] == times


def test_without_weights_every_utterance_is_taken_once():
    assert draws(utterances(a=20, b=100), {}) == []


def batches(seed: int = 0, epoch: int = 0, done: int = 0, rank: int = 0, world: int = 1) -> list[list[int]]:
    sampler = DrawingSampler(LENGTHS, DRAWN, *SETTINGS, seed, rank, world)
    sampler.set_epoch(epoch)
    sampler.done = done
    return [batch.tolist() for batch in sampler]


@pytest.mark.parametrize("world", [1, 3])
def test_every_epoch_takes_each_group_as_often_as_it_says(world):
    for epoch in range(3):
        dealt = [batches(epoch=epoch, rank=rank, world=world) for rank in range(world)]
        assert len({len(part) for part in dealt}) == 1
        counts = Counter(place for part in dealt for batch in part for place in batch)
        assert sum(counts[place] for place in DRAWN[0].members) == 90
        assert {counts[place] for place in DRAWN[0].members} == {1, 2}, "none twice as long as another is left out"
        assert sum(counts[place] for place in DRAWN[1].members) == 30
        assert max(counts[place] for place in DRAWN[1].members) == 1


def test_what_is_drawn_depends_on_seed_and_epoch_alone_and_goes_on_where_it_stopped():
    assert batches() == batches()
    assert batches(done=5) == batches()[5:]
    for other in (batches(epoch=1), batches(seed=1)):
        assert {place for batch in other for place in batch} != {place for batch in batches() for place in batch}
        assert [len(batch) for batch in other] != [] and len(other) == len(batches())


def test_in_time_every_utterance_is_drawn():
    assert {place for epoch in range(60) for batch in batches(epoch=epoch) for place in batch} == set(range(203))


def test_batches_stay_within_their_bounds_and_hold_like_lengths():
    drawn = [batch for epoch in range(5) for batch in batches(epoch=epoch)]
    assert all(len(b) <= 8 and (len(b) * LENGTHS[b].max() <= 160_000 or len(b) == 1) for b in drawn)
    mixed = [b.tolist() for b in BucketSampler(LENGTHS, 8, 10**9, 1, seed=0)]
    padding = [
        sum(len(b) * LENGTHS[b].max() for b in some) / sum(LENGTHS[b].sum() for b in some) for some in (drawn, mixed)
    ]
    assert padding[0] - 1 < (padding[1] - 1) / 2


def test_labels_of_one_part_alone_are_named():
    given = [
        Utterance("a/0", "", "7", corpus="a"),
        *(Utterance(f"b/{word}", "", word, corpus="b") for word in ("seven", "yes")),
        Utterance("a/1", "", "yes", corpus="a"),
    ]
    names = ["7", "seven", "yes"]
    said = told(given, lambda text: [names.index(text)], lambda ids: names[ids[0]])
    assert said == "Labels that one part alone trains: a 1 of its 2, such as '7'; b 1 of its 2, such as 'seven'."
    assert told(given[1:3], lambda text: [names.index(text)], lambda ids: names[ids[0]]) == ""


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        (None, r"^dataset.parts is empty: "),
        ({"x": 3}, r"^dataset.parts.x=3 is no part: "),
        ({"x": {"dataset": "fsd"}}, r"^dataset.parts.x.dataset=fsd is none of an4, .* Did you mean fsdd\?$"),
        ({"x": {"dataset": "mix"}}, r"^dataset.parts.x.dataset=mix is none of an4, "),
        ({"x": {"dataset": "images"}}, r"^dataset.parts.x.dataset=images is none of an4, "),
        ({"x": {"root": "."}}, r"^dataset.parts.x.dataset=None is none of an4, "),
        ({"x/y": {"dataset": "an4"}}, r"^dataset.parts.x/y: give the part a name of letters, "),
        ({"x": {"dataset": "an4", "rot": "."}}, r"^dataset.parts.x: dataset.rot is no key of .* Did you mean root\?"),
        ({"x": {"dataset": "an4", "split": "by_speakr"}}, r"^dataset.parts.x.split=by_speakr is none of by_speaker, "),
        ({"x": {"dataset": "an4", "split": {"choice": "randm"}}}, r"^dataset.parts.x.split=randm .*mean random\?$"),
        ({"x": {"dataset": "an4", "batch_size": 3}}, r"^dataset.parts.x.batch_size is one for all parts: say dataset"),
        ({"x": {"dataset": "manifest"}}, r"^dataset.parts.x: dataset.train has no value yet"),
        ({"x": {"dataset": "an4", "weight": 0}}, r"^dataset.parts.x.weight=0 should be a number above 0\.$"),
        ({"x": {"dataset": "an4", "weight": True}}, r"^dataset.parts.x.weight=True should be a number above 0\.$"),
        (
            {"x": {"dataset": "an4", "weight": 1}, "y": {"dataset": "fsdd"}},
            r"^dataset.parts.y has no weight, and others have: give every part one, or none\.$",
        ),
        ({"x": {"dataset": "an4", "root": "nowhere"}}, r"^dataset.parts.x: .*nowhere"),
        ({"x": {"dataset": "fsdd"}}, r"^dataset.parts.x is for 8000 Hz, and dataset.sample_rate is 16000: .*"),
    ],
)
def test_what_is_no_mix_is_told(changes, answer):
    with pytest.raises(UserError, match=answer):
        Mix(changes, "unused", 16000).prepare()


def test_weights_are_those_given():
    assert weights(None) == {}
    assert weights({"a": {"dataset": "an4", "weight": 2}, "b": {"dataset": "fsdd", "weight": 0.5}}) == {
        "a": 2,
        "b": 0.5,
    }


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> list[str]:
    """Overrides that choose two corpora of tones, the second far too large for its weight."""
    folder = tmp_path_factory.mktemp("two")
    for corpus, count in (("a", 8), ("b", 40)):
        for seed, (name, texts) in enumerate({"train": labels(count), "val": labels(4), "test": labels(4)}.items()):
            write_manifest(folder / corpus, texts, name, seed=seed + 10 * ord(corpus))
    given = {
        name: {"dataset": "manifest", "weight": 1, "sample_rate": 8000}
        | {part: str(folder / name / f"{part}.jsonl") for part in ("train", "val", "test")}
        for name in "ab"
    }
    return [
        *("dataset=mix", f"dataset.parts={written(given)}", "dataset.sample_rate=8000", f"data_dir={folder}/data"),
        *("model=crnn_ce", "features.n_mels=20", "model.encoder.width=16", "model.encoder.channels=[4,8]"),
        *("trainer=cpu", "trainer.enable_progress_bar=false", "trainer.max_epochs=2", "dataset.batch_size=4"),
    ]


def rows(folder: Path) -> list[dict[str, str]]:
    found = csv.DictReader((folder / "metrics.csv").read_text().splitlines())
    return [{name: value for name, value in row.items() if name != "seconds"} for row in found]


def test_a_run_on_a_mix_killed_within_an_epoch_goes_on_as_if_it_had_not_been(launch, two, monkeypatch):
    from asrx.training.callbacks.checkpoints import Checkpoints
    from asrx.training.system import System

    monkeypatch.setattr(Checkpoints.__init__, "__defaults__", (0.0,))  # last.ckpt after every batch
    seen: dict[str, list[list[int]]] = {}
    real = System.training_step

    def noting(self, batch, batch_idx):
        if name == "killed" and len(seen[name]) == 15:
            raise Killed
        seen[name].append([self.trainer.datamodule.utterances["train"][place].id for place in batch.index_B])
        return real(self, batch, batch_idx)

    monkeypatch.setattr(System, "training_step", noting)
    name = "whole"
    seen[name] = []
    whole = launch(*two, folder=name)
    name = "killed"
    seen[name] = []
    with pytest.raises(Killed):
        launch(*two, folder=name)
    name = "resumed"
    seen[name] = []
    launch(f"resume={whole.parent / 'killed'}")
    assert rows(whole.parent / "killed") == rows(whole)
    epochs = [seen["whole"][: len(seen["whole"]) // 2], seen["whole"][len(seen["whole"]) // 2 :]]
    for epoch in epochs:
        assert Counter(id[0] for batch in epoch for id in batch) == {"a": 24, "b": 24}
    assert seen["killed"] + seen["resumed"] == seen["whole"]
    assert len(epochs[0]) < 15 < len(seen["whole"]), "it was killed within the second epoch"


def test_another_weight_is_another_result(two):
    from asrx.config.digest import digest

    other = [override.replace("weight: 1", "weight: 2", 1) for override in two]
    assert digest(checked(two), "data") != digest(checked(other), "data")


def test_a_recording_that_one_corpus_trains_and_another_tests_is_refused(launch, miniatures, tmp_path):
    root = tmp_path / "copy"  # the same samples under other names, in another format
    for number, path in enumerate(sorted((miniatures / "SpeechCommands" / "yes").iterdir())[:6]):
        (root / "train" / "yes").mkdir(parents=True, exist_ok=True)
        soundfile.write(root / "train" / "yes" / f"{number}.flac", soundfile.read(path, dtype="int16")[0], RATE)
    given = {
        "words": {"dataset": "speech_commands", "root": f"{miniatures}/SpeechCommands", "sample_rate": 8000},
        "copy": {
            "dataset": "folder",
            "root": str(root),
            "sample_rate": 8000,
            "split": {"official": True, "val": 0, "test": 0},
        },
    }
    with pytest.raises(SystemExit, match=r"recording in two parts"):
        launch(
            *("dataset=mix", f"dataset.parts={written(given)}", "dataset.sample_rate=8000", "model=crnn_ce"),
            *(f"data_dir={tmp_path}/data", "trainer=cpu"),
        )
    bad = [json.loads(line) for line in (tmp_path / "run" / "bad_utterances.jsonl").read_text().splitlines()]
    assert {row["reason"] for row in bad} == {"recording in two parts"} if "reason" in bad[0] else bad


def test_recordings_of_a_part_may_have_moved_when_a_run_goes_on():
    from asrx.config.saved import is_place

    assert is_place("dataset.parts.an4-2.root=DIR") and is_place("dataset.parts.b.test=x")
    assert not is_place("dataset.parts.a.weight=2") and not is_place("dataset.parts.a.b.root=x")

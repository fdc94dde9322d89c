from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch

from asrx.data.audio import Audio
from asrx.data.module import DataModule, Waves
from asrx.data.store import build
from asrx.types import Batch, Targets, Utterance

PLAIN = [Utterance(str(i), f"{i}.wav", text) for i, text in enumerate(["ab", "c", "abc"])]
MIXED = [*PLAIN[:2], Utterance("2#mixture0", "2.wav", "abc", copy=-1, other="b", share=0.75)]


def encode(text: str) -> list[int]:
    return [" abc".index(letter) for letter in text]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("waves")
    files = [Utterance(str(i), str(folder / f"{i}.wav"), "") for i in range(4)]
    for i, u in enumerate(files):
        soundfile.write(u.audio, np.full(10 + i, (i + 1) / 8), 8000)
    return build(files, Audio(8000), folder)


def batch_of(store, utterances, index) -> Batch:
    return Waves(store, np.array([3, 1, 0]), utterances, encode)[np.array(index)]


def test_a_batch_holds_waves_targets_and_places(store):
    batch = batch_of(store, PLAIN, [2, 0])
    assert batch.wave_BT.shape == (2, 13)
    assert batch.wave_BT[:, 0].tolist() == [1 / 8, 4 / 8]
    assert batch.lengths_B.tolist() == [10, 13]
    assert batch.targets.ids_BU.tolist() == [[1, 2, 3], [1, 2, 0]]
    assert batch.targets.lengths_B.tolist() == [3, 2]
    assert batch.index_B.tolist() == [2, 0]


def test_what_augmentation_must_leave_goes_with_the_batch(store):
    waves = Waves(store, np.array([3, 1, 0]), PLAIN, encode, np.array([0, 7, 8]))
    assert waves[np.array([2, 0])].least_B.tolist() == [8, 0]
    assert batch_of(store, PLAIN, [2, 0]).least_B is None


def test_without_mixtures_there_are_no_other_voices(store):
    batch = batch_of(store, PLAIN, [0, 1])
    assert batch.others is None and batch.share_B is None


def test_a_mixture_brings_what_the_other_voice_says_and_its_share(store):
    batch = batch_of(store, MIXED, [1, 2])
    assert batch.targets.ids_BU.tolist() == [[3, 0, 0], [1, 2, 3]]
    assert batch.others.ids_BU[1, : batch.others.lengths_B[1]].tolist() == [2]
    assert batch.share_B.tolist() == [1.0, 0.75]


def test_a_recording_among_mixtures_is_its_own_other_voice(store):
    batch = batch_of(store, MIXED, [0, 1])
    assert batch.others.ids_BU.tolist() == batch.targets.ids_BU.tolist() == [[1, 2], [3, 0]]
    assert batch.others.lengths_B.tolist() == [2, 1]
    assert batch.share_B.tolist() == [1.0, 1.0]


def batch(**changes) -> Batch:
    targets = Targets(torch.tensor([[1, 2], [3, 0]]), torch.tensor([2, 1]))
    return Batch(torch.zeros(2, 5), torch.tensor([5, 4]), targets, torch.tensor([7, 8]), **changes)


def test_partners_have_the_targets_of_others():
    own = batch()
    swapped = own.partners(torch.tensor([1, 1]))
    assert swapped.targets.ids_BU.tolist() == [[3, 0], [3, 0]] and swapped.targets.lengths_B.tolist() == [1, 1]
    assert swapped.others is None and swapped.share_B is None
    assert swapped.wave_BT is own.wave_BT and swapped.lengths_B is own.lengths_B


def test_partners_bring_their_other_voices_and_shares():
    others = Targets(torch.tensor([[2], [1]]), torch.tensor([1, 1]))
    swapped = batch(others=others, share_B=torch.tensor([0.75, 1.0])).partners(torch.tensor([1, 0]))
    assert swapped.targets.ids_BU.tolist() == [[3, 0], [1, 2]]
    assert swapped.others.ids_BU.tolist() == [[1], [2]]
    assert swapped.share_B.tolist() == [1.0, 0.75]


@pytest.mark.parametrize("replacement", [True, False])
def test_only_training_draws_with_replacement(store, replacement):
    parts = {split: [(place % 4, PLAIN[place % 3]) for place in range(60)] for split in ("train", "val", "test")}
    data = DataModule(parts, store, encode, 4, 10.0, 1, replacement, 0, seed=0)
    distinct = {
        name: len({int(i) for batch in loader for i in batch.index_B})
        for name, loader in (("train", data.train_dataloader()), ("val", data.val_dataloader()))
    }
    assert distinct["val"] == 60
    assert (distinct["train"] < 50) == replacement

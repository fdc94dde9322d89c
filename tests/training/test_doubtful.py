from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from asrx.objectives.ctc import CTC
from asrx.training.doubtful import doubtful
from asrx.types import Batch, Targets, Utterance

SAID = [[0, 1], [1], [0], [0, 1, 0], [1, 0]]  # what is heard: a path of as many frames
WRITTEN = ["ab", "a", "a", "aba", "ab"]


class Waves:
    """The place of an utterance is all that its waveform says."""

    def __init__(self, encode):
        self.encode = encode

    def __getitem__(self, index):
        ids = [torch.tensor(self.encode(WRITTEN[i])) for i in index]
        targets = Targets(torch.nn.utils.rnn.pad_sequence(ids, batch_first=True), torch.tensor([len(i) for i in ids]))
        return Batch(torch.from_numpy(index)[:, None], torch.ones(len(index)), targets, torch.from_numpy(index))


def hear(wave_BT, lengths_B):
    """Encodings that are log probabilities: what is said 0.9, the rest alike."""
    paths = [SAID[int(i)] for i in wave_BT[:, 0]]
    enc_BTV = torch.full((len(paths), max(map(len, paths)), 3), 0.05)
    for enc_TV, path in zip(enc_BTV, paths, strict=True):
        enc_TV[range(len(path)), path] = 0.9
    return enc_BTV.log(), torch.tensor([len(path) for path in paths])


@pytest.fixture
def pipeline():
    ctc = CTC(3, "ab", layer_norm=False)
    ctc.head = torch.nn.Identity()

    class Pipeline:
        objective = ctc

        def __call__(self, wave_BT, lengths_B):
            return hear(wave_BT, lengths_B)

    return Pipeline()


def data(encode, copies=()):
    utterances = [Utterance(str(i), "", text, copy=int(i in copies)) for i, text in enumerate(WRITTEN)]
    return SimpleNamespace(
        utterances={"train": utterances},
        places={"train": np.arange(5)},
        store=SimpleNamespace(lengths=np.array([2, 1, 1, 3, 2])),
        loader=lambda part, seed: SimpleNamespace(dataset=Waves(encode)),
    )


def test_what_is_heard_far_more_surely_than_what_was_written_is_doubtful(pipeline):
    found = doubtful(pipeline, data(pipeline.objective.encode))
    assert [(place, reference, heard.text) for place, reference, heard in found] == [(1, "a", "b"), (4, "ab", "ba")]
    # b for a in one frame of one; ba for ab in two frames of two
    assert [heard.score for _, _, heard in found] == pytest.approx([np.log(0.9 / 0.05)] * 2, abs=1e-4)


def test_copies_are_not_listened_to(pipeline):
    assert [place for place, *_ in doubtful(pipeline, data(pipeline.objective.encode, copies=[1]))] == [4]

from __future__ import annotations

import numpy as np
import pytest
import torch

from asrx.features.clip import Clip
from asrx.types import UserError

RATE = 100
LENGTHS = torch.tensor([12, 7, 10, 3])  # longer than a clip of ten samples, an odd number missing, neither, again odd
WAVE = torch.zeros(4, 12)
for row, n in zip(WAVE, LENGTHS, strict=True):
    row[:n] = torch.randn(int(n), generator=torch.Generator().manual_seed(int(n)))


def clip(**settings) -> Clip:
    return Clip(RATE, 0.1, **settings)


@pytest.mark.parametrize("masked", [True, False])
def test_at_the_end_zeros_are_added_and_the_rest_is_cut(masked):
    waves, _ = clip(masked=masked)(WAVE, LENGTHS)
    assert torch.equal(waves, WAVE[:, :10])


def test_a_batch_of_shorter_utterances_grows():
    waves, lengths = clip()(WAVE[3:, :3], LENGTHS[3:])
    assert torch.equal(waves, WAVE[3:, :10])
    assert lengths.tolist() == [3]


def test_at_the_edges_the_outer_samples_are_repeated_as_numpy_does():
    waves, _ = clip(padding="edges", masked=False)(WAVE, LENGTHS)
    for row, wave, n in zip(waves.numpy(), WAVE.numpy(), LENGTHS.tolist(), strict=True):
        missing = max(0, 10 - n)
        expected = np.pad(wave[:n], (missing // 2, missing - missing // 2), mode="edge")[:10]
        np.testing.assert_array_equal(row, expected)


def test_the_edges_of_a_batch_that_is_shorter_than_a_clip():
    waves, _ = clip(padding="edges", masked=False)(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([3]))
    assert waves.tolist() == [[1, 1, 1, 1, 2, 3, 3, 3, 3, 3]]


def test_what_lies_behind_an_utterance_is_not_its_edge():
    waves, _ = clip(padding="edges", masked=False)(torch.tensor([[1.0, 2.0, 9.0]]), torch.tensor([2]))
    assert waves.tolist() == [[1, 1, 1, 1, 1, 2, 2, 2, 2, 2]]


@pytest.mark.parametrize(("masked", "expected"), [(True, [10, 7, 10, 3]), (False, [10, 10, 10, 10])])
def test_masked_lengths_say_where_the_padding_begins(masked, expected):
    module = clip(masked=masked)
    _, lengths = module(WAVE, LENGTHS)
    assert lengths.tolist() == module.out_len(LENGTHS).tolist() == expected
    assert lengths.dtype is torch.int64
    assert [module.out_len(n) for n in LENGTHS.tolist()] == expected


def test_without_a_length_nothing_happens():
    module = Clip(RATE, None)
    waves, lengths = module(WAVE, LENGTHS)
    assert torch.equal(waves, WAVE) and torch.equal(lengths, LENGTHS)
    assert module.samples is None and module.out_len(77) == 77 and torch.equal(module.out_len(LENGTHS), LENGTHS)


@pytest.mark.parametrize(("rate", "seconds", "samples"), [(22_050, 0.8, 17_640), (8000, 1.0, 8000), (10, 0.001, 1)])
def test_how_many_samples_a_clip_has(rate, seconds, samples):
    assert Clip(rate, seconds).samples == samples


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"padding": "start"}, r"dataset.clip.padding=start is none of end, edges"),
        ({"padding": "edges"}, r"dataset.clip.padding=edges pads on both sides, which needs dataset.clip.masked=false"),
        ({"seconds": 0}, r"dataset.clip.seconds=0 should be a number above 0"),
        ({"seconds": -1.0}, r"dataset.clip.seconds=-1.0 should be a number above 0"),
    ],
)
def test_clips_that_cannot_be_are_told(arguments, message):
    with pytest.raises(UserError, match=message):
        Clip(RATE, **{"seconds": 0.1} | arguments)

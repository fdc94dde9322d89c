from __future__ import annotations

import numpy as np
import pytest

from asrx.data.batching import BucketSampler
from asrx.types import UserError

LENGTHS = np.random.default_rng(0).integers(1000, 50000, 203)
SETTINGS = {"batch_size": 8, "batch_samples": 160_000, "buckets": 6}


def everything(world: int, **changes) -> list[list[np.ndarray]]:
    return [list(BucketSampler(LENGTHS, **SETTINGS | changes, rank=rank, world=world)) for rank in range(world)]


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("seed", [None, 0, 7], ids=["by length", "seed 0", "seed 7"])
@pytest.mark.parametrize("buckets", [1, 6])
def test_every_utterance_is_in_one_batch_of_one_process(world, seed, buckets):
    parts = everything(world, seed=seed, buckets=buckets)
    assert len({len(part) for part in parts}) == 1, "a process would wait for the others for ever"
    assert sorted(np.concatenate([batch for part in parts for batch in part])) == list(range(len(LENGTHS)))


def test_no_batch_is_over_its_bounds():
    for batch in everything(1, seed=0)[0]:
        assert len(batch) <= 8
        assert len(batch) * LENGTHS[batch].max() <= 160_000 or len(batch) == 1


@pytest.mark.parametrize("seed", [None, 0])
@pytest.mark.parametrize("long", [[150.0], [150.0, 30.0, 30.0, 200.0]], ids=["one", "several"])
def test_a_long_recording_does_not_make_the_batches_of_short_ones_small(seed, long):
    lengths = np.array([0.5] * 50 + long + [0.5] * 50) * 1000
    batches = list(BucketSampler(lengths, 16, 160_000, 20, seed=seed))
    assert sorted(len(batch) for batch in batches if lengths[batch].max() == 500) == [4] + [16] * 6
    assert sorted(lengths[batch].tolist() for batch in batches if lengths[batch].max() > 500) == (
        [[150_000.0]] if len(long) == 1 else [[30_000.0, 30_000.0], [150_000.0], [200_000.0]]
    )


def test_buckets_save_padding():
    def padding(buckets):
        batches = everything(1, seed=0, buckets=buckets)[0]
        return sum(len(batch) * LENGTHS[batch].max() - LENGTHS[batch].sum() for batch in batches)

    assert padding(6) < padding(1) / 2


def test_the_order_depends_on_seed_and_epoch_alone():
    def order(seed, epoch):
        sampler = BucketSampler(LENGTHS, **SETTINGS, seed=seed)
        sampler.set_epoch(epoch)
        return [batch.tolist() for batch in sampler]

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(0, 1)
    assert order(0, 0) != order(1, 0)
    assert len(order(0, 0)) == len(order(0, 1)) == len(BucketSampler(LENGTHS, **SETTINGS, seed=0))


def test_it_goes_on_where_it_stopped():
    sampler = BucketSampler(LENGTHS, **SETTINGS, seed=0)
    whole = [batch.tolist() for batch in sampler]
    sampler.done = 5
    assert [batch.tolist() for batch in sampler] == whole[5:]


def test_fewer_utterances_than_devices():
    with pytest.raises(UserError, match=r"2 utterances cannot be dealt evenly to 3 devices"):
        BucketSampler(LENGTHS[:2], 8, 160_000, world=3)


def test_no_process_gets_an_empty_batch():
    with pytest.raises(UserError, match=r"5 utterances cannot be dealt evenly to 2 devices"):
        BucketSampler(LENGTHS[:5], 1, 160_000, world=2)


def test_with_replacement_an_epoch_repeats_some_and_leaves_out_others():
    drawn = np.concatenate(everything(1, seed=0, replacement=True)[0])
    assert len(drawn) == len(LENGTHS)
    assert len(np.unique(drawn)) == pytest.approx(len(LENGTHS) * (1 - 1 / np.e), rel=0.1)


@pytest.mark.parametrize("world", [1, 3])
def test_with_replacement_there_are_as_many_batches_of_the_same_sizes(world):
    without, drawn = (
        sorted(len(batch) for part in everything(world, seed=0, replacement=again) for batch in part)
        for again in (False, True)
    )
    assert drawn == without


def test_with_replacement_a_batch_still_holds_like_lengths():
    sampler = BucketSampler(LENGTHS, **SETTINGS, seed=0, replacement=True)
    buckets = [set(members.tolist()) for members, _ in sampler.plan]
    assert len(buckets) == 6
    for batch in sampler:
        assert any(set(batch.tolist()) <= bucket for bucket in buckets)
        assert len(batch) * LENGTHS[batch].max() <= 160_000 or len(batch) == 1


def test_with_replacement_every_seed_and_epoch_draws_anew_and_goes_on_where_it_stopped():
    def order(seed=0, epoch=0, done=0):
        sampler = BucketSampler(LENGTHS, **SETTINGS, seed=seed, replacement=True)
        sampler.set_epoch(epoch)
        sampler.done = done
        return [batch.tolist() for batch in sampler]

    assert order() == order()
    assert order(epoch=1) != order() != order(seed=1)
    assert {i for batch in order(epoch=1) for i in batch} != {i for batch in order() for i in batch}
    assert order(done=5) == order()[5:]

from __future__ import annotations

import pickle
import shutil
from collections import Counter

import numpy as np
import pytest
import soundfile
from sklearn.model_selection import train_test_split

from asrx.data import copies
from asrx.data.audio import Audio
from asrx.data.copies import Link, Offline, augmented, blended, plan
from asrx.data.store import Store, build
from asrx.types import UserError, Utterance

RATE = 8000
QUIET = {"_target_": "asrx.augment.gain.Gain", "gain_db": [-6, -6]}
LOUD = {"_target_": "asrx.augment.gain.Gain", "gain_db": [3, 3]}
NOISE = {"_target_": "asrx.augment.uniform_noise.UniformNoise", "amplitude": 0.2}
SHARED_NOISE = NOISE | {"shared": True}
NAMES = [Utterance(f"{i:03d}", "a.wav", "no" if i % 4 else "yes", f"speaker{i % 3}", "train") for i in range(200)]


def offline(**changes) -> Offline:
    settings = {"stages": [], "mixup": None, "share": 1.0, "bootstrap": False, "before_split": False, "seed": 0}
    return Offline(**settings | changes)


def planned(**changes) -> list[Utterance]:
    return plan(NAMES, offline(**changes))[0]


def source(utterance: Utterance) -> str:
    return utterance.id.partition("#")[0]


@pytest.mark.parametrize(
    ("stages", "numbers"),
    [
        pytest.param([], [0], id="no stage"),
        pytest.param([[None, QUIET]], [0, 2], id="the recordings and a copy"),
        pytest.param([[QUIET, None]], [1, 0], id="a copy and the recordings"),
        pytest.param([[QUIET, LOUD]], [1, 2], id="copies alone"),
        pytest.param([[None, QUIET], [None, NOISE]], [0, 2, 3, 4], id="two stages"),
        pytest.param([[QUIET], [None, NOISE]], [1, 2], id="a stage that all go through"),
        pytest.param([[None, QUIET, LOUD]] * 2, [0, *range(2, 10)], id="nine times"),
    ],
)
def test_every_combination_makes_a_copy_of_every_recording(stages, numbers):
    found = planned(stages=stages)
    assert [u.copy for u in found] == [number for number in numbers for _ in NAMES]
    assert Counter(source(u) for u in found) == {u.id: len(numbers) for u in NAMES}


def test_the_links_of_a_combination_follow_one_another():
    chains = offline(stages=[[None, QUIET], [None, NOISE]]).chains()
    assert chains == [[], [Link("1.1", NOISE)], [Link("0.1", QUIET)], [Link("0.1", QUIET), Link("1.1", NOISE)]]


def test_a_copy_is_called_after_its_recording_and_says_what_it_says():
    known = {u.id: u for u in NAMES}
    for copy in planned(stages=[[None, QUIET]])[len(NAMES) :]:
        recording = known[source(copy)]
        assert copy.id == f"{recording.id}#2"
        assert (copy.text, copy.speaker, copy.split) == (recording.text, recording.speaker, recording.split)


def test_the_order_is_drawn_from_the_seed():
    assert planned(seed=1) == planned(seed=1)
    assert planned(seed=1) != planned(seed=2)
    assert sorted(u.id for u in planned(seed=1)) == [u.id for u in NAMES]
    assert [u.id for u in planned(seed=1)] != [u.id for u in NAMES]


def test_copies_are_in_the_order_of_their_recordings():
    found = planned(stages=[[None, QUIET]])
    assert [source(u) for u in found[200:]] == [u.id for u in found[:200]]


def test_a_share_of_the_recordings_is_copied_label_by_label():
    found = planned(stages=[[None, QUIET, LOUD]], share=0.3)
    assert Counter((u.copy, u.text) for u in found) == {
        **{(0, "yes"): 50, (0, "no"): 150},
        **{(number, label): count for number in (2, 3) for label, count in (("yes", 15), ("no", 45))},
    }


def test_the_share_is_the_one_that_scikit_learn_draws():
    found = planned(stages=[[None, QUIET]], share=0.3, seed=420)
    labels = [u.text for u in found[:200]]
    expected = train_test_split(found[:200], test_size=0.3, stratify=labels, random_state=420)[1]
    assert [source(u) for u in found[200:]] == [u.id for u in expected]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"share": 0}, r"augment.offline.share=0 must be above 0 and at most 1"),
        ({"share": 1.5}, r"augment.offline.share=1.5 must be above 0 and at most 1"),
        ({"share": 0.001}, r"augment.offline.share=0.001: The test_size = 1 should be greater .*: change it\.$"),
        ({"stages": [QUIET]}, r"augment.offline.stages.0 must be a list of alternatives"),
        (
            {"mixup": {"alfa": 0.5, "draw": "sample"}},
            r"augment.offline.mixup=.* should be like {alpha: 0.5, draw: sample}",
        ),
        ({"mixup": {"alpha": 0, "draw": "sample"}}, r"augment.offline.mixup.alpha=0 must be above 0"),
        ({"mixup": {"alpha": 0.5, "draw": "batch"}}, r"augment.offline.mixup.draw=batch is neither sample nor dataset"),
    ],
)
def test_settings_that_cannot_be_followed_are_told(changes, message):
    with pytest.raises(UserError, match=message):
        planned(**{"stages": [[None, QUIET]]} | changes)


def test_bootstrap_draws_as_many_with_repeats():
    found = planned(bootstrap=True)
    times = Counter(u.id for u in found)
    assert len(found) == 200
    assert len(times) == pytest.approx(200 * (1 - 1 / np.e), abs=15)
    assert found == planned(bootstrap=True) and found != planned(bootstrap=True, seed=1)


def test_copies_are_made_of_what_was_drawn():
    found = planned(bootstrap=True, stages=[[None, QUIET]])
    assert [source(u) for u in found[200:]] == [u.id for u in found[:200]]


def mixed(**changes) -> tuple[list[Utterance], dict[str, copies.Mixture]]:
    found, mixtures = plan(NAMES, offline(mixup={"alpha": 0.5, "draw": "sample"}, **changes))
    return [u for u in found if u.copy == copies.MIXTURE], mixtures


def test_every_recording_is_blended_with_another_once():
    found, mixtures = mixed()
    assert [u.id for u in found] == list(mixtures)
    for part in ("first", "second"):
        assert sorted(getattr(m, part) for m in mixtures.values()) == [u.id for u in NAMES]
    assert sum(m.first == m.second for m in mixtures.values()) < 5


def test_a_mixture_says_what_its_stronger_voice_says():
    texts = {u.id: u.text for u in NAMES}
    found, mixtures = mixed()
    for u in found:
        first, second, weight = mixtures[u.id]
        said = (texts[first], texts[second]) if weight >= 0.5 else (texts[second], texts[first])
        assert (u.text, u.other) == said
        assert u.share == max(weight, 1 - weight)
    assert {m.weight < 0.5 for m in mixtures.values()} == {True, False}


def test_the_weights_follow_a_beta_distribution():
    weights = [m.weight for m in mixed()[1].values()]
    assert np.mean(weights) == pytest.approx(0.5, abs=0.08)
    assert np.var(weights) == pytest.approx(1 / 8, abs=0.02)  # of Beta(0.5, 0.5)


def test_one_weight_for_the_whole_set():
    found, mixtures = plan(NAMES, offline(mixup={"alpha": 0.5, "draw": "dataset"}))
    assert len({m.weight for m in mixtures.values()}) == 1
    assert len({u.share for u in found if u.copy == copies.MIXTURE}) == 1


def test_mixtures_of_repeated_recordings_have_names_of_their_own():
    found, mixtures = mixed(bootstrap=True)
    assert len({u.id for u in found}) == len(mixtures) == 200


# samples


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> Store:
    """Eleven recordings of different lengths; the fourth is missing, and the first two are the same."""
    folder = tmp_path_factory.mktemp("recordings")
    utterances = [Utterance(str(i), str(folder / f"{i}.wav"), "yes") for i in range(11)]
    rng = np.random.default_rng(0)
    for i, u in enumerate(utterances):
        if i != 3:
            soundfile.write(u.audio, rng.uniform(-0.5, 0.5, 300 + 37 * (i * 5 % 11)), RATE)
    shutil.copy(utterances[0].audio, utterances[1].audio)
    return build(utterances, Audio(RATE), folder / "cache")


def wave(store: Store, place: int) -> np.ndarray:
    """Samples as they are stored."""
    return (store.gather(np.array([place]))[0][0] * 32768).astype(int)


def chain(*nodes: dict) -> list[Link]:
    return [Link(f"{i}.1", node) for i, node in enumerate(nodes)]


def files(store: Store) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.roots[-1].iterdir()}


def test_the_samples_of_a_copy_are_those_of_its_augmentation(recordings, tmp_path):
    copy = augmented(recordings, chain(QUIET), 0, tmp_path)
    assert copy.sample_rate == RATE and copy.lengths.tolist() == recordings.lengths.tolist()
    for place in range(11):
        expected = np.rint(wave(recordings, place) * 10 ** (-6 / 20))
        np.testing.assert_allclose(wave(copy, place), expected, atol=1)


def test_a_chain_goes_on_from_what_its_first_link_made(recordings, tmp_path):
    copy = augmented(recordings, chain(QUIET, LOUD), 0, tmp_path)
    np.testing.assert_allclose(wave(copy, 4), wave(recordings, 4) * 10 ** (-3 / 20), atol=1.5)


def test_an_augmentation_may_change_the_lengths(recordings, tmp_path):
    node = {"_target_": "asrx.augment.time_stretch.TimeStretch", "sample_rate": RATE, "rates": [0.5]}
    copy = augmented(recordings, chain(node), 0, tmp_path)
    assert copy.lengths.tolist() == (2 * recordings.lengths).tolist()
    assert all(np.abs(wave(copy, place)[-200:]).max() > 99 for place in (0, 10)), "the ends are there"


def test_what_is_too_loud_is_clipped(recordings, tmp_path):
    copy = augmented(recordings, chain(LOUD | {"gain_db": [20, 20]}), 0, tmp_path)
    expected = np.clip(10 * wave(recordings, 0), -32768, 32767)
    np.testing.assert_allclose(wave(copy, 0), expected, atol=1)


DRAWING = pytest.mark.parametrize("node", [NOISE, SHARED_NOISE], ids=["drawn at each call", "drawn at the start"])


@DRAWING
def test_one_seed_gives_the_same_bytes(recordings, tmp_path, node):
    import torch

    first = augmented(recordings, chain(node), 0, tmp_path / "first")
    torch.rand(3)  # whatever the process has drawn before
    again = augmented(recordings, chain(node), 0, tmp_path / "again")
    assert files(again) == files(first)


@DRAWING
@pytest.mark.parametrize(
    ("place", "seed"), [pytest.param("0.1", 1, id="another seed"), pytest.param("0.2", 0, id="a like one beside it")]
)
def test_other_draws(recordings, tmp_path, node, place, seed):
    first = augmented(recordings, [Link("0.1", node)], 0, tmp_path)
    other = augmented(recordings, [Link(place, node)], seed, tmp_path)
    assert first.fingerprint != other.fingerprint
    assert (wave(first, 0) != wave(other, 0)).any()


def test_like_recordings_draw_differently(recordings, tmp_path):
    copy = augmented(recordings, chain(NOISE), 0, tmp_path)
    length = min(recordings.lengths[:2])
    assert (wave(recordings, 0) == wave(recordings, 1)).all()
    assert (wave(copy, 0)[:length] != wave(copy, 1)[:length]).mean() > 0.9


def test_noise_that_is_shared_is_one_vector_for_all_batches(recordings, tmp_path):
    copy = augmented(recordings, chain(SHARED_NOISE), 0, tmp_path)
    added = [(wave(copy, place) - wave(recordings, place))[:300] for place in (0, 2, 5, 9)]
    for other in added[1:]:
        np.testing.assert_allclose(other, added[0], atol=1)


def test_chains_that_begin_alike_share_stores(recordings, tmp_path):
    for last in (QUIET, LOUD):
        augmented(recordings, chain(NOISE, last), 0, tmp_path)
    assert len(list(tmp_path.glob("stores/*/index.npz"))) == 3


def test_copies_that_are_there_are_not_made_again(recordings, tmp_path, monkeypatch):
    first = augmented(recordings, chain(NOISE), 0, tmp_path)
    monkeypatch.setattr(copies, "_write", None)
    assert augmented(recordings, chain(NOISE), 0, tmp_path).roots == first.roots


def test_an_augmentation_that_stopped_half_way_is_made_again(recordings, tmp_path, monkeypatch):
    whole = files(augmented(recordings, chain(NOISE), 0, tmp_path / "whole"))
    batches = copies._batches

    def stopped(lengths):
        yield next(batches(lengths))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(copies, "_batches", stopped)
        augmented(recordings, chain(NOISE), 0, tmp_path)
    assert list(tmp_path.glob("stores/*.partial/*")), "something is left over"
    assert files(augmented(recordings, chain(NOISE), 0, tmp_path)) == whole


def test_what_a_kill_before_the_last_step_left_is_replaced(recordings, tmp_path):
    made = augmented(recordings, chain(NOISE), 0, tmp_path)
    whole = files(made)
    left = made.roots[-1].rename(made.roots[-1].with_suffix(".partial"))
    for path in left.iterdir():
        path.write_bytes(b"half")
    assert files(augmented(recordings, chain(NOISE), 0, tmp_path)) == whole


def test_a_cache_that_cannot_be_written_is_told(recordings, tmp_path):
    (tmp_path / "stores").touch()
    with pytest.raises(UserError, match=r"The copies .* cannot be written \(File exists\): free some space"):
        augmented(recordings, chain(NOISE), 0, tmp_path)


def test_an_augmentation_that_cannot_be_made_is_told(recordings, tmp_path):
    with pytest.raises(UserError, match=r"stages\.0\.1: gain_db=3 should be two numbers"):
        augmented(recordings, chain(QUIET | {"gain_db": 3}), 0, tmp_path)


def test_a_copy_of_unusable_audio_is_unusable(recordings, tmp_path):
    copy = augmented(recordings, chain(NOISE), 0, tmp_path)
    assert copy.errors == recordings.errors and list(copy.errors) == [3]
    assert copy.lengths[3] == 0


def test_a_mixture_is_the_weighted_sum(recordings, tmp_path):
    first, second = recordings.take(np.array([0, 2, 4])), recordings.take(np.array([4, 2, 0]))
    weights = np.array([0.25, 0.5, 1.0])
    blend = blended(first, second, weights, tmp_path)
    for place, weight in enumerate(weights):
        parts = [wave(store, place) for store in (first, second)]
        length = max(map(len, parts))
        one, other = (np.pad(part, (0, length - len(part))) for part in parts)
        np.testing.assert_allclose(wave(blend, place), weight * one + (1 - weight) * other, atol=1)


def test_other_weights_make_another_mixture(recordings, tmp_path):
    one = blended(recordings, recordings.take(np.arange(11)[::-1]), np.full(11, 0.5), tmp_path)
    other = blended(recordings, recordings.take(np.arange(11)[::-1]), np.full(11, 0.6), tmp_path)
    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize("pair", [(3, 0), (0, 3), (3, 3)], ids=["the first", "the second", "both"])
def test_a_mixture_with_unusable_audio_is_unusable(recordings, tmp_path, pair):
    first, second = (recordings.take(np.array([place, 2])) for place in pair)
    blend = blended(first, second, np.array([0.5, 0.5]), tmp_path)
    assert blend.errors == {0: recordings.errors[3]}
    assert blend.lengths[0] == 0


# several stores behind one another


@pytest.fixture
def several(recordings, tmp_path) -> Store:
    """Copies and recordings in turns, one recording twice and the missing one among them."""
    backwards = recordings.take(np.arange(11)[::-1])
    return backwards.take(np.array([0, 11, 1, 12, 0, 14, 18]), augmented(recordings, chain(QUIET), 0, tmp_path))


def test_utterances_are_taken_from_several_stores(recordings, tmp_path, several):
    quiet = augmented(recordings, chain(QUIET), 0, tmp_path)
    origin = [(recordings, 10), (quiet, 0), (recordings, 9), (quiet, 1), (recordings, 10), (quiet, 3), (quiet, 7)]
    assert several.lengths.tolist() == [store.lengths[place] for store, place in origin]
    waves, lengths = several.gather(np.arange(7))
    for row, length, (store, place) in zip(waves, lengths, origin, strict=True):
        np.testing.assert_array_equal((row[:length] * 32768).astype(int), wave(store, place))
        assert not row[length:].any()


def test_what_is_unusable_keeps_its_place(recordings, several):
    assert several.errors == {5: recordings.errors[3]}


def test_taking_from_what_was_taken(several):
    again = several.take(np.array([6, 5, 0]))
    assert again.lengths.tolist() == several.lengths[[6, 5, 0]].tolist()
    assert list(again.errors) == [1]
    np.testing.assert_array_equal(wave(again, 0), wave(several, 6))


def test_several_stores_pickle_as_one(several):
    again = pickle.loads(pickle.dumps(several))
    assert (again.fingerprint, again.errors) == (several.fingerprint, several.errors)
    np.testing.assert_array_equal(again.gather(np.arange(7))[0], several.gather(np.arange(7))[0])


def test_the_fingerprint_is_that_of_the_waveforms_in_their_order(recordings, several):
    assert several.take(np.arange(7)).fingerprint == several.fingerprint
    assert several.take(np.arange(7)[::-1]).fingerprint != several.fingerprint
    assert recordings.take(np.arange(10)).fingerprint != recordings.fingerprint


def test_copies_with_recorded_noise_follow_the_recordings(recordings, tmp_path):
    def record(level: float) -> None:
        noise = np.random.default_rng(0).normal(0, level, 4000)
        soundfile.write(tmp_path / "noise" / f"a.{'wav' if level < 0.2 else 'flac'}", noise.clip(-1, 1), RATE)

    (tmp_path / "noise").mkdir()
    noisy = {"_target_": "asrx.augment.background_noise.BackgroundNoise", "folder": str(tmp_path / "noise")}
    noisy |= {"sample_rate": RATE, "snr_db": [0, 0], "probability": 1.0}
    record(0.1)
    first = augmented(recordings, chain(noisy), 0, tmp_path).fingerprint
    assert augmented(recordings, chain(noisy), 0, tmp_path).fingerprint == first
    record(0.3)  # another one
    assert augmented(recordings, chain(noisy), 0, tmp_path).fingerprint != first
    shutil.rmtree(tmp_path / "noise")
    with pytest.raises(UserError, match=r"augment.offline.stages.*folder=.*noise is not a folder"):
        augmented(recordings, chain(noisy), 0, tmp_path)

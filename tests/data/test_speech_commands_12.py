"""The keyword task of Speech Commands: ten words, other words and silence."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asrx.config.check import checked
from asrx.data.corpora.speech_commands_12 import SILENCE, UNKNOWN, WORDS, SpeechCommands12
from asrx.data.drawing import DrawingSampler, draws, few_held_out
from asrx.data.prepare import prepare
from asrx.types import UserError, Utterance

RATE = 16000
OTHERS = ("bed", "bird", "cat")
SPEAKERS = [f"{n:08x}" for n in range(20)]  # the first three validate, the next four test


def _noise(path: Path, seconds: float, rng: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * rng.standard_normal(int(seconds * RATE)), RATE)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """The layout of Speech Commands with its lists and noise, and of the test archive beside it."""
    root, rng = tmp_path_factory.mktemp("keywords"), np.random.default_rng(0)
    names = [f"{word}/{speaker}_nohash_0.wav" for word in (*WORDS, *OTHERS) for speaker in SPEAKERS]
    for name in names:
        _noise(root / "train" / name, 0.05, rng)
    for file, speakers in (("validation_list.txt", SPEAKERS[:3]), ("testing_list.txt", SPEAKERS[3:7])):
        listed = [name for name in names if name.partition("/")[2][:8] in speakers]
        (root / "train" / file).write_text("\n".join(listed) + "\n")
    _noise(root / "train" / "_background_noise_" / "hum.wav", 20, rng)
    _noise(root / "train" / "_background_noise_" / "tap.wav", 10, rng)
    for word in (*WORDS, UNKNOWN, SILENCE):
        for number in range(5):
            stem = {UNKNOWN: f"cat_{number:08x}_nohash_0", SILENCE: str(number)}.get(word, f"{number:08x}_nohash_0")
            _noise(root / "test" / word / f"{stem}.wav", 0.05, rng)
    return root


def listed(corpus: Path, **changes) -> list[Utterance]:
    settings = {"root": f"{corpus}/train", "test_root": None, "noise": None, "cache": "unused"}
    return SpeechCommands12(**settings | changes).prepare()


def test_there_are_twelve_labels_and_the_official_parts(corpus):
    found = listed(corpus)
    assert {u.text for u in found} == {*WORDS, UNKNOWN, SILENCE}
    words = [u for u in found if not u.pooled]
    assert {u.text for u in words} == set(WORDS)
    assert Counter(u.split for u in words) == {"val": 30, "test": 40, "train": 130}
    others = [u for u in found if u.text == UNKNOWN]
    assert {Path(u.audio).parent.name for u in others} == set(OTHERS)
    assert Counter(u.split for u in others) == {"val": 9, "test": 12, "train": 39}


def test_silences_of_two_parts_share_no_sample(corpus):
    stretches = {}
    for u in listed(corpus):
        if u.text == SILENCE:
            assert u.duration == 1.0
            low, high = stretches.get((u.audio, u.split), (np.inf, 0.0))
            stretches[u.audio, u.split] = (min(low, u.offset), max(high, u.offset + 1))
            assert u.offset + 1 <= soundfile.info(u.audio).duration
    assert len(stretches) == 6, "of two recordings in three parts"
    for audio in {audio for audio, _ in stretches}:
        ends = [at for split in ("train", "val", "test") for at in stretches[audio, split]]
        assert ends == sorted(ends)


def test_validation_and_test_keep_as_many_of_each_label(corpus):
    kept = few_held_out(listed(corpus))
    for split, count in (("val", 3), ("test", 4)):
        counts = Counter(u.text for u in kept if u.split == split)
        assert {counts[label] for label in (*WORDS, UNKNOWN)} == {count}
        assert counts[SILENCE] == min(count, sum(u.text == SILENCE and u.split == split for u in listed(corpus)))
    assert [u for u in kept if u.split == "train"] == [u for u in listed(corpus) if u.split == "train"]
    assert few_held_out(listed(corpus)) == kept


def test_an_epoch_draws_other_words_and_silences_anew_and_as_many_as_of_a_word(corpus):
    train = [u for u in listed(corpus) if u.split == "train"]
    sampler = DrawingSampler(np.full(len(train), RATE), draws(train, {}), 16, 16 * RATE, 20, 0)
    drawn = []
    for epoch in range(12):
        sampler.set_epoch(epoch)
        batches = [[train[place] for place in batch] for batch in sampler]
        drawn.append({u.id for batch in batches for u in batch if u.pooled})
        assert set(Counter(u.text for batch in batches for u in batch).values()) == {13}, "thirteen speakers train"
    assert drawn[0] != drawn[1]
    assert len(set.union(*drawn)) > 3 * len(drawn[0])


def test_with_the_test_archive_it_is_the_test_part(corpus):
    found = listed(corpus, test_root=f"{corpus}/test")
    test = [u for u in found if u.split == "test"]
    assert Counter(u.text for u in test) == dict.fromkeys((*WORDS, UNKNOWN, SILENCE), 5)
    assert all(u.audio.startswith(f"{corpus}/test/") and not u.pooled for u in test)
    assert len({u.id for u in found}) == len(found)
    assert [u for u in found if u.split != "test"] == [u for u in listed(corpus) if u.split != "test"]
    assert [u for u in few_held_out(found) if u.split == "test"] == test


@pytest.fixture
def without_lists(corpus, tmp_path) -> Path:
    (tmp_path / "train").mkdir()
    for folder in (corpus / "train").iterdir():
        if folder.is_dir():
            (tmp_path / "train" / folder.name).symlink_to(folder)
    return tmp_path


def test_without_lists_speakers_and_stretches_of_noise_are_drawn(without_lists, tmp_path):
    assert {u.split for u in listed(without_lists)} == {None}
    choice = ["dataset=speech_commands_12", f"dataset.root={without_lists}/train", f"data_dir={tmp_path}/data"]
    prepared = prepare(checked(choice))
    homes = {}
    for u in prepared.utterances:
        homes.setdefault(u.speaker, set()).add(u.split)
    assert {len(parts) for parts in homes.values()} == {1}
    counts = Counter(u.text for u in prepared.utterances if u.split == "test")
    assert counts[UNKNOWN] == counts["yes"]
    assert not prepared.store.errors
    place = next(i for i, u in enumerate(prepared.utterances) if u.text == SILENCE)
    assert prepared.store.lengths[place] == RATE


def test_real_clips_make_the_twelve_class_task(real_data):
    root = real_data / "speech_commands_v0.01_sample"
    found = listed(root, root=str(root), noise=f"{real_data}/background_noise")
    words = Counter(u.split for u in found if u.text in WORDS)
    assert sum(words.values()) == 100 and set(words) == {"train", "val", "test"}
    assert sum(u.text == UNKNOWN for u in found) == 200


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"noise": "nowhere"}, r"^nowhere holds no noise recordings to cut _silence_ from: .* dataset.noise=FOLDER\.$"),
        ({"root": "{}/test"}, r"/test has _silence_ already, as the test archive has: that is test_root\.$"),
        ({"test_root": "{}/train"}, r"^dataset.test_root=.*/train has a folder bed, and the test archive has none\.$"),
        ({"test_root": "{}/nowhere"}, r"nowhere is not a folder"),
        ({"noise": "{}/train/yes/broken"}, r"holds no noise recordings"),
    ],
)
def test_what_is_not_laid_out_as_the_task_is_told(corpus, changes, answer):
    with pytest.raises(UserError, match=answer):
        listed(corpus, **{name: value.format(corpus) for name, value in changes.items()})


def test_a_word_that_is_missing_is_named(without_lists):
    (without_lists / "train" / "stop").unlink()
    with pytest.raises(UserError, match=r"^dataset.root=.* has no clips of stop: pass the corpus with all ten words"):
        listed(without_lists)


def test_noise_that_cannot_be_read_is_named(corpus, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"RIFF no sound")
    with pytest.raises(UserError, match=r"bad.wav cannot be read: .* mend it or remove it"):
        listed(corpus, noise=str(tmp_path))

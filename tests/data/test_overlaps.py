"""Whatever the manifests say: what trains does not test, and results on different recordings are not paired.

Some cases here; the whole by `ASRX_FUZZ=1000 python -m pytest -n 0 tests/data/test_overlaps.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fuzz import cases
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import DictConfig

from asrx.config.compose import compose
from asrx.data.fingerprint import described
from asrx.data.prepare import Prepared, prepare
from asrx.data.repeats import faults, told
from asrx.evaluation.trained import _check_unheard
from asrx.report.compare.ranking import rank, verdict
from asrx.report.compare.systems import of_run
from asrx.report.files import write_recordings
from asrx.report.folder import Prediction, RunFolder
from asrx.types import SPLITS, UserError

# ways in which one recording can be there again under another name
WAYS = {
    "copied": lambda old, new: shutil.copy(old, new),
    "linked": lambda old, new: new.symlink_to(old),
    "hard": lambda old, new: os.link(old, new),
    "packed": lambda old, new: soundfile.write(new.with_suffix(".flac"), *soundfile.read(old, dtype="int16")),
}
WORDS = ("yes", "no")

# (recording, way, word) of each line
lines = st.lists(st.tuples(st.integers(0, 7), st.sampled_from(["itself", *WAYS]), st.sampled_from(WORDS)), min_size=1)
parts = st.fixed_dictionaries(dict.fromkeys(SPLITS, lines))
Parts = dict[str, list[tuple[int, str, str]]]


@pytest.fixture(scope="module")
def pool(tmp_path_factory) -> dict[tuple[int, str], Path]:
    """Eight recordings, each in five files."""
    folder, files = tmp_path_factory.mktemp("pool"), {}
    noise = np.random.default_rng(0)
    for number in range(8):
        files[number, "itself"] = old = folder / f"{number}.wav"
        soundfile.write(old, noise.standard_normal(800) / 10, 8000)
        for way, make in WAYS.items():
            new = folder / f"{way}-{number}.wav"
            make(old, new)
            files[number, way] = new if new.exists() else new.with_suffix(".flac")
    return files


@cache
def composed() -> DictConfig:
    return compose(["dataset=manifest", "model=cnn", "dataset.sample_rate=8000", "dataset.train=x", "dataset.test=x"])


def prepared_of(pool: dict[tuple[int, str], Path], given: Parts, folder: Path) -> tuple[Prepared, str]:
    for part, rows in given.items():
        written = [json.dumps({"audio_filepath": str(pool[n, way]), "text": word}) for n, way, word in rows]
        (folder / f"{part}.jsonl").write_text("\n".join(written) + "\n")
    cfg = composed().copy()
    cfg.data_dir = str(pool[0, "itself"].parent)
    for part in SPLITS:
        cfg.dataset[part] = f"{folder / part}.jsonl"
    prepared = prepare(cfg)
    return prepared, described(cfg, prepared)


def numbers(rows: Sequence[tuple[int, str, str]]) -> set[int]:
    return {number for number, _, _ in rows}


@cases(60)
@given(parts)
def test_what_trains_does_not_validate_or_test(pool, given):
    with tempfile.TemporaryDirectory() as folder:
        prepared, _ = prepared_of(pool, given, Path(folder))
    found = faults(prepared.utterances, prepared.made_of, shared=False, pooled=False)
    held_out = numbers(given["val"]) | numbers(given["test"])
    place = {u.id: i for i, u in enumerate(prepared.utterances)}
    where = {place[f"{part}:{i}"]: row for part in SPLITS for i, row in enumerate(given[part], 1)}
    for i, (number, way, word) in where.items():
        split = prepared.utterances[i].split
        texts = {row[2] for row in where.values() if row[0] == number}
        twice = sum(row[:2] == (number, way) for row in given[split]) > 1
        must = (split == "train" and number in held_out) or len(texts) > 1 or twice
        if i in found:
            assert must, (found[i], word)
        elif split == "train":
            assert number not in held_out
    kept = [i for i in where if i not in found]
    # of each recording one text stays, and each file once in a part
    assert all(len({where[i][2] for i in kept if where[i][0] == n}) <= 1 for n in range(8))
    listed = [(prepared.utterances[i].split, *where[i][:2]) for i in kept]
    assert len(set(listed)) == len(listed)
    said = {number: {row[2] for row in given["test"] if row[0] == number} for number in numbers(given["test"])}
    tested = {where[i][0] for i in kept if prepared.utterances[i].split == "test"}
    assert tested == {number for number, texts in said.items() if len(texts) == 1}
    both = numbers([where[i] for i in kept if prepared.utterances[i].split == "val"]) & tested
    assert (
        f"{len(both)} recording{'s' * (len(both) > 1)} both validate and test"
        in told(prepared.utterances, kept, prepared.made_of)
    ) == bool(both)


@cases(60)
@given(parts, lines)
def test_a_run_is_not_evaluated_on_what_it_was_trained_on(pool, given, other):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before, data = prepared_of(pool, given, folder)
        write_recordings(folder, {part: before.recordings(part) for part in SPLITS})
        after, changed = prepared_of(pool, given | {"test": other}, folder)
        # a trial of a search is known by the same data: order and places of files, and nothing else, may differ
        same = [(n, word) for n, _, word in given["test"]] == [(n, word) for n, _, word in other]
        assert (data == changed) == same
        new = numbers(other) - numbers(given["test"])
        if known := new & numbers(given["train"]):
            with pytest.raises(
                UserError, match=rf"was trained on {len(known)} of the {len(numbers(other))} recordings"
            ):
                _check_unheard(folder, "test", after)
        else:
            _check_unheard(folder, "test", after)


def run_of(prepared: Prepared, name: str) -> RunFolder:
    rows = []
    for u, sources in zip(prepared.utterances, prepared.made_of, strict=True):
        if u.split == "test":
            rows.append(Prediction(u.id, u.audio, 0.0, None, None, u.text, "yes", 0.0, str(sources[0])))
    test = {"utterances": len(rows), "accuracy": 0.5}
    metrics = {
        "kind": "classification",
        "part": "test",
        "test": test,
        "state": "finished",
        "keras_parameters": 1,
        "seconds": {},
    }
    return RunFolder(Path(name), "", [], {}, metrics, [], rows)


@cases(60)
@given(parts, lines)
def test_results_are_paired_by_recording_and_reference(pool, given, other):
    runs = []
    for name, rows in (("one", given["test"]), ("other", other)):
        with tempfile.TemporaryDirectory() as folder:
            runs.append(run_of(prepared_of(pool, given | {"test": rows}, Path(folder))[0], name))
    ranking = rank([of_run(run, run.path.name) for run in runs], None)
    ours, theirs = (Counter((number, word) for number, _, word in rows) for rows in (given["test"], other))
    assert ranking.standings[1].versus.shared == (ours & theirs).total()
    assert ("No recording is in two of these 2 tests" in verdict(ranking)) == (
        not numbers(given["test"]) & numbers(other)
    )

"""The command, on a run that was trained for a moment, and what it hears later."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from corpus import RATE, sentences, tone_word

from asrx.__main__ import main
from asrx.config.saved import config_of
from asrx.data.corpora.manifest import Manifest
from asrx.evaluation.trained import load as trained
from asrx.recognition.measured import measured
from asrx.recognition.recognizer import load
from asrx.recognition.sources import read
from asrx.types import UserError
from asrx.watching.profile import PROFILE, read_profile


@pytest.fixture
def watch(trained_run, monkeypatch, capsys):
    def command(*words, model=trained_run):
        monkeypatch.setattr(sys, "argv", ["asrx", "watch", str(model), *map(str, words)])
        status = None
        try:
            main()
        except SystemExit as end:
            status = end.code
        return status, capsys.readouterr().out

    return command


@pytest.fixture(scope="module")
def production(tmp_path_factory):
    """Folders of recordings as the run knows them, and four times as quiet; three speakers have folders in each."""
    root, rng = tmp_path_factory.mktemp("production"), np.random.default_rng(5)
    for name, gain in (("same", 1.0), ("quiet", 0.25)):
        for i, text in enumerate(sentences(30, 5)):
            path = root / name / f"speaker{i % 3}" / f"{i:02}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, gain * tone_word(text, rng), RATE)
    return root


def test_a_run_keeps_what_it_was_tested_on(trained_run):
    cfg = config_of(trained_run, [])
    utterances = trained(trained_run, cfg).data.utterances["test"]
    profile, recognizer = read_profile(trained_run), load(trained_run)
    assert profile.names == [u.id for u in utterances]
    assert profile.speakers == [u.speaker for u in utterances]
    own = measured(recognizer, (read(Path(u.audio), recognizer.sample_rate) for u in utterances))
    np.testing.assert_allclose([row for _, row in own], profile.values_NQ, atol=2e-3)


def test_what_is_as_before_is_no_change(watch, production):
    status, out = watch(production / "same")
    assert status is None
    assert "30 recordings against 12 recordings of 3 speakers of the test part" in out
    assert "Nothing changed that can be told from chance at 0.01." in out and "*" not in out
    assert "each counts as another speaker's" in out


def test_what_changed_is_named_and_drafted(watch, production, tmp_path):
    status, out = watch(production / "quiet", "--manifest", tmp_path / "new.jsonl")
    assert status == 2
    assert "\n*  level " in out
    assert "Quieter (level " in out and ", as in " in out and "/quiet/speaker" in out
    assert [line[0] for line in out.splitlines()[2:9]].count("*") == 1
    lines = [json.loads(line) for line in (tmp_path / "new.jsonl").read_text().splitlines()]
    assert len(lines) == 30
    assert lines[0]["shows"] == ["level"]
    shown = [bool(line["shows"]) for line in lines]
    assert shown == sorted(shown, reverse=True), "those that show it come first"
    with pytest.raises(UserError, match=r"new\.jsonl:1 has no text\. It has .* draft"):
        Manifest(str(tmp_path / "new.jsonl")).prepare()
    utterances = Manifest(str(tmp_path / "new.jsonl"), columns={"text": "draft"}).prepare()
    assert sorted(u.audio for u in utterances) == sorted(map(str, (production / "quiet").rglob("*.wav")))


def test_with_a_reference_of_one_s_own_the_run_needs_no_profile(watch, production, trained_run, tmp_path):
    alone = shutil.copy(trained_run / "best.ckpt", tmp_path / "alone.ckpt")
    status, out = watch(production / "quiet", "--reference", production / "same", model=alone)
    assert status == 2 and "30 recordings against 30 recordings of the reference" in out and "Quieter" in out
    status, _ = watch(production / "quiet", "--reference", production / "same", "--by-folder", model=alone)
    assert "3 speakers, too few to tell a change from chance" in status


def test_bad_recordings_are_named_and_left_out(watch, production, tmp_path, capsys):
    for path in (production / "same").rglob("*.wav"):
        shutil.copy(path, tmp_path)
    (tmp_path / "broken.wav").write_text("no sound")
    soundfile.write(tmp_path / "nan.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "silence.wav", np.zeros(RATE), RATE)
    status, out = watch(tmp_path)
    assert status is None and "31 recordings against" in out
    assert "there is no recording left" in watch(tmp_path / "broken.wav")[0]


def test_silence_is_a_change(watch, tmp_path):
    for i in range(20):
        soundfile.write(tmp_path / f"{i}.wav", np.zeros(RATE), RATE)
    status, out = watch(tmp_path)
    assert status == 2 and "Quieter" in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--alpha", "7"], "--alpha 7 should be a chance"),
        (["--alpha", "nan"], "--alpha nan should be a chance"),
        (["--manifest", "new.csv"], "should be named .jsonl"),
        (["--manifest", "nowhere/new.jsonl"], "there is no such folder"),
        (["--reference", "."], "holds no recordings"),
    ],
)
def test_wrong_words(watch, production, tmp_path, monkeypatch, words, sentence):
    monkeypatch.chdir(tmp_path)
    status, out = watch(production / "same", *words)
    assert sentence in status and not out


def test_what_is_no_run_or_an_old_one(watch, production, trained_run, tmp_path):
    old = shutil.copytree(trained_run, tmp_path / "old", ignore=shutil.ignore_patterns(PROFILE))
    for folder in (old, tmp_path, tmp_path / "none"):
        assert f"{folder} has no {PROFILE}" in watch(production / "same", model=folder)[0]
    assert "has 1 recording, too few" in watch(production / "same/speaker0/00.wav")[0]

"""The command, on a run that was trained for a moment."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import soundfile

from asrx.__main__ import main


@pytest.fixture
def transcribe(trained_run, monkeypatch, capsys):
    def command(*words, model=trained_run):
        monkeypatch.setattr(sys, "argv", ["asrx", "transcribe", str(model), *map(str, words)])
        status = None
        try:
            main()
        except SystemExit as end:
            status = end.code
        return status, capsys.readouterr().out

    return command


@pytest.fixture
def recordings(tones, tmp_path):
    manifest = next(o for o in tones if o.startswith("dataset.test=")).split("=")[1]
    with open(manifest, encoding="utf-8") as lines:
        entry = json.loads(next(lines))
    wave, rate = soundfile.read(Path(manifest).parent / entry["audio_filepath"])
    for name in ("a.wav", "b.flac", "sub/a.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, wave, rate)
    return tmp_path


def test_one_is_printed_and_several_are_named(transcribe, recordings, trained_run):
    status, out = transcribe(recordings / "a.wav", "--format", "jsonl")
    (line,) = map(json.loads, out.splitlines())
    assert status is None
    assert line["audio_filepath"] == str(recordings / "a.wav")
    _, out = transcribe(recordings)
    assert [row.split("\t")[0] for row in out.splitlines()] == [
        str(recordings / name) for name in ("a.wav", "b.flac", "sub/a.wav")
    ]
    alone = shutil.copy(trained_run / "best.ckpt", recordings / "alone.ckpt")
    assert transcribe(recordings, model=alone)[1] == out


def test_a_file_for_each(transcribe, recordings, tmp_path):
    transcribe(recordings, "--format", "srt", "--into", tmp_path / "out")
    written = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.srt"))
    assert written == ["a.srt", "b.srt", "sub/a.srt"]
    soundfile.write(recordings / "a.flac", *soundfile.read(recordings / "a.wav"))
    transcribe(recordings / "a.wav", recordings / "a.flac", "--into", tmp_path / "both")
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == ["a.flac.txt", "a.wav.txt"]


def test_what_cannot_be_used_is_named_and_the_rest_is_done(transcribe, recordings, capsys):
    (recordings / "broken.wav").write_text("no sound")
    status, out = transcribe(recordings / "broken.wav", recordings / "nowhere.wav", recordings / "a.wav")
    assert status == "asrx: 2 of 3 recordings could not be transcribed; they are named above."
    assert out.startswith(str(recordings / "a.wav"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--format", "srt", "."], "holds one recording"),
        (["--format", "ctm", "a.wav", "sub/a.wav"], "names a recording by its file's stem, and two are alike"),
        (["--longest", "0", "a.wav"], "--longest 0 should be a number of seconds above 0"),
        (["--format", "doc", "a.wav"], "invalid choice: 'doc'"),
        ([], "there is nothing to transcribe: name recordings"),
        (["a.wav", "--into", "b.flac"], "b.flac: File exists: name another place"),
        (["a.wav", "--into", "/proc/x"], "/proc/x: No such file or directory: name another place"),
    ],
)
def test_wrong_words(transcribe, recordings, monkeypatch, words, sentence):
    monkeypatch.chdir(recordings)
    status, out = transcribe(*words)
    assert sentence in status
    assert not out


def test_no_model(transcribe, recordings):
    assert "no such run folder" in transcribe(recordings / "a.wav", model=recordings / "none")[0]
    assert "damaged or no checkpoint" in transcribe(recordings / "a.wav", model=recordings / "a.wav")[0]
    assert "no such checkpoint" in transcribe(recordings / "a.wav", model=recordings)[0]


def test_the_help_loads_nothing():
    from asrx.commands import transcribe
    from asrx.recognition.formats import FORMATS

    assert set(transcribe.FORMATS) == set(FORMATS)


def test_a_file_that_grows_is_written_as_it_is_streamed(transcribe, recordings, trained_run):
    from asrx.recognition.recognizer import load
    from asrx.recognition.sources import read
    from asrx.recognition.streaming import stream

    recognizer = load(trained_run)
    listening = stream(recognizer)
    wave_T = read(recordings / "a.wav", recognizer.sample_rate).wave_T
    said = [heard.text for heard in listening.accept(wave_T) + listening.finish() if heard.final]
    status, out = transcribe(recordings / "a.wav", "--live", "--patience", "0.2")
    assert (status, out.splitlines()) == (None, said)
    for words, told in [
        ((recordings / "a.wav", recordings / "b.flac", "--live"), "follows one file, and these are 2"),
        ((recordings / "a.wav", "--live", "--format", "ctm"), "--live prints txt, srt, vtt"),
        ((recordings / "a.wav", "--live", "--patience", "0"), "--patience 0 should be"),
        ((recordings / "b.flac", "--live", "--patience", "0.1"), "is no WAV of 16 bits"),
    ]:
        assert told in str(transcribe(*words)[0])

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from pages import Page

from asrx.report.audio import Clip, read_clip, spectrogram_png
from asrx.report.folder import Prediction
from asrx.report.run.page import write_report
from asrx.types import UserError

SECTIONS = {"summary", "curves", "errors", "worst", "time", "run"}


def assert_offline_and_inert(page: Page) -> None:
    loaded = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert all(value.startswith("data:") for value in loaded)
    assert not re.search(r"url\(|@import", page.text[""])
    tags = [tag for tag, _ in page.tags]
    assert not {"link", "iframe"} & set(tags)
    assert tags.count("script") == 1  # the page's own, which alone its policy lets run
    assert "<script>alert(2)</script>" in page.text["summary"]
    assert "<script>alert(3)</script>" in page.text["run"]


def wav(attributes: dict[str, str]) -> tuple[np.ndarray, int]:
    data = attributes["src"].removeprefix("data:audio/wav;base64,")
    return soundfile.read(io.BytesIO(base64.b64decode(data)))


def test_error_rate_page(make_run, sentences):
    page = Page(write_report(make_run("error_rate", sentences)))
    assert set(page.text) >= SECTIONS
    assert_offline_and_inert(page)
    assert len(page.all("polyline")) == 3
    assert "Substituted 16" in page.text["errors"]
    assert "one → ne" in page.text["errors"]
    assert "<script>alert(1)</script>" in page.text["worst"]
    # most errors first; the utterance without one does not appear
    assert re.findall(r"utt\d+", page.text["worst"])[:2] == ["utt11", "utt10"]
    assert "utt9" not in page.text["worst"]
    assert len(page.all("del")) == 1
    assert len(page.all("ins")) == 1
    assert "git commit 4f2a9c1d0e" in page.text["run"]
    assert "model 1 min 30 s 90.0 %" in page.text["time"]


def test_doubtful_transcripts_are_listed_and_can_be_heard(make_run, sentences):
    folder = make_run("error_rate", sentences)
    assert "doubtful" not in Page(write_report(folder)).text
    rows = (folder / "predictions.jsonl").read_text().splitlines()
    (folder / "doubtful.jsonl").write_text("\n".join(rows[:11]))
    page = Page(write_report(folder))
    assert "The 10 most doubtful of 11 in doubtful.jsonl" in page.text["doubtful"]
    assert re.findall(r"utt\d+", page.text["doubtful"]) == [json.loads(row)["id"] for row in rows[:10]]
    assert page.text["doubtful"].count("greater, for each label written") == 10
    assert len(page.all("audio")) == 20


def test_words_can_be_followed_as_they_are_played(make_run, sentences):
    folder = make_run("error_rate", sentences)
    path = folder / "predictions.jsonl"
    rows = [json.loads(row) for row in path.read_text().splitlines()]
    for row in rows:
        row["words"] = [{"text": "<i>", "start": 0.1, "end": 0.25, "confidence": 0.5}]
    path.write_text("\n".join(map(json.dumps, rows)))
    page = Page(write_report(folder))
    words = [tag for tag in page.all("span") if "data-start" in tag]
    assert len(words) == len(page.all("audio")) == 10
    assert {(word["data-start"], word["data-end"], word["title"]) for word in words} == {
        ("0.1", "0.25", "0.10 to 0.25 s, 50.0 % sure")
    }
    assert not page.all("i")


def test_ten_players_play_the_utterance_and_no_more(make_run, sentences):
    page = Page(write_report(make_run("error_rate", sentences)))
    players = page.all("audio")
    assert len(players) == 10
    assert len(page.all("image")) == 10
    for player, name in zip(players, re.findall(r"utt(\d+)", page.text["worst"]), strict=True):
        wave, rate = wav(player)
        assert len(wave) / rate == pytest.approx(0.5 + int(name) / 100, abs=1 / rate)


def test_classification_page(make_run, digits):
    page = Page(write_report(make_run("classification", digits)))
    assert set(page.text) >= SECTIONS
    assert_offline_and_inert(page)
    assert "Accuracy 70.0 %" in page.text["summary"]
    assert "eight 2 1 67 %" in page.text["errors"]
    assert "zero 3 100 %" in page.text["errors"]
    assert "eight → zero" in page.text["errors"]
    # nine mistakes, the most confident first
    assert re.findall(r"utt\d+", page.text["worst"]) == [f"utt{n}" for n in range(1, 10)]
    assert "confidence 90 %" in page.text["worst"]
    assert "Only 9 of 30 have an error" in page.text["worst"]


@pytest.mark.parametrize("epochs", [0, 1, 2])
def test_interrupted_page(make_run, epochs):
    folder = make_run("error_rate", None, epochs=epochs)
    page = Page(write_report(folder))
    assert set(page.text) >= SECTIONS
    assert "interrupted" in page.text["summary"]
    assert f"resume={folder}" in page.text["summary"]
    assert len(page.all("polyline")) == (3 if epochs else 0)
    assert "not tested" in page.text["worst"]


def test_page_without_metrics_csv(make_run):
    folder = make_run("classification", None)
    (folder / "metrics.csv").unlink()
    assert "Stopped before the first epoch" in Page(write_report(folder)).text["summary"]


def test_missing_audio_is_said_and_the_rest_stands(make_run, sentences, tmp_path):
    folder = make_run("error_rate", sentences)
    (tmp_path / "11.wav").unlink()
    (tmp_path / "10.wav").write_bytes(b"no wave")
    page = Page(write_report(folder))
    assert len(page.all("audio")) == 8
    assert page.text["worst"].count("Audio not readable") == 2


def test_page_is_a_function_of_the_folder(make_run, sentences):
    folder = make_run("error_rate", sentences)
    assert write_report(folder).read_bytes() == write_report(folder).read_bytes()


def test_long_audio_is_cut_and_resampled(tmp_path):
    soundfile.write(tmp_path / "long.wav", np.zeros((25 * 48000, 2), "float32"), 48000)
    clip = read_clip(Prediction("x", str(tmp_path / "long.wav"), 1.0, None, None, "a", "b", 0.0))
    assert (len(clip.wave), clip.rate, clip.seconds, clip.cut) == (20 * 16000, 16000, 24.0, True)


def test_spectrogram_has_the_tone_at_its_frequency_and_time():
    from PIL import Image

    wave = np.zeros(16000, np.float32)
    wave[8000:] = np.sin(2 * np.pi * 2000 * np.arange(8000) / 16000)
    png = Image.open(io.BytesIO(spectrogram_png(Clip(wave, 16000, 1.0))))
    levels = np.asarray(png)
    row, column = np.unravel_index(levels.argmax(), levels.shape)
    assert row / levels.shape[0] == pytest.approx(0.75, abs=0.01)
    assert column / levels.shape[1] >= 0.48
    assert levels[:, : int(0.45 * levels.shape[1])].max() == 0


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("metrics.json", None, "is not a run folder"),
        ("metrics.json", "{", "cannot be read"),
        (
            "metrics.json",
            json.dumps({"kind": "translation", "state": "finished", "test": {}}),
            "known kinds are error_rate, classification",
        ),
        ("predictions.jsonl", '{"id": "a"}', "predictions.jsonl cannot be read"),
        ("predictions.jsonl", "", r"predictions\.jsonl has 0 of \d+ lines"),
    ],
)
def test_broken_folder_is_told(make_run, sentences, name, text, message):
    folder = make_run("error_rate", sentences)
    (folder / name).unlink()
    if text is not None:
        (folder / name).write_text(text)
    with pytest.raises(UserError, match=message):
        write_report(folder)


def test_import_is_light():
    code = "import sys, asrx.report.run.page; print({'torch', 'numpy', 'matplotlib', 'jinja2'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"

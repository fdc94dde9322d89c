"""What goes in and what comes out; the model is one that hears how loud each 40 ms are."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

from asrx.decoding.ctc import CTCDecoder
from asrx.decoding.label import LabelDecoder
from asrx.recognition.answers import Piece, Transcript, Word
from asrx.recognition.engines import Engine
from asrx.recognition.formats import FORMATS
from asrx.recognition.recognizer import Recognizer
from asrx.types import UserError

RATE, FRAME = 8000, 320
LEVELS = {"_": 0.0, "a": 0.2, "b": 0.5, " ": 0.9}


class Loudness(Engine):
    """Writes a for a low level, b for a higher one, and a space for the highest."""

    sample_rate, frame, decoder = RATE, FRAME / RATE, CTCDecoder("ab ")

    def __init__(self):
        self.batches = []

    def __call__(self, wave_BT, lengths_B):
        self.batches.append(tuple(wave_BT.shape))
        t = wave_BT.shape[1] // FRAME
        level_BT = wave_BT[:, : t * FRAME].reshape(len(wave_BT), t, FRAME).mean(2)
        levels = torch.tensor([LEVELS[c] for c in "ab _"])
        return (-100 * (level_BT[:, :, None] - levels).abs()).log_softmax(2), lengths_B // FRAME


class Louder(Engine):
    """Says whether it is loud."""

    sample_rate, frame, decoder = RATE, FRAME / RATE, LabelDecoder(["no", "yes"])

    def __call__(self, wave_BT, lengths_B):
        loud_B = wave_BT.sum(1) / lengths_B > 0.3
        return torch.stack([~loud_B, loud_B], 1).float().clamp(0.1, 0.9).log(), torch.ones_like(lengths_B)


def sound(path: str) -> np.ndarray:
    return np.repeat(np.array([LEVELS[character] for character in path], "float32"), FRAME)


@pytest.fixture
def recognizer():
    return Recognizer(Loudness())


def test_words_and_their_seconds(recognizer):
    answer = recognizer(sound("_aab_ _b_"))
    assert (answer.text, answer.name, answer.duration) == ("ab b", "", pytest.approx(0.36))
    assert [(word.text, word.start, word.end) for word in answer.words] == [
        ("ab", pytest.approx(0.04), pytest.approx(0.16)),
        ("b", pytest.approx(0.28), pytest.approx(0.32)),
    ]
    assert answer.confidence == pytest.approx(1.0, abs=1e-3)


def test_no_piece_begins_or_ends_with_a_space(recognizer):
    answer = recognizer(sound("_ _a b_ _"))
    assert [piece.text for piece in answer.pieces] == ["a b"]
    assert FORMATS["txt"](answer) == "a b\n"


def test_files_folders_samples_and_lists(recognizer, tmp_path):
    texts = ["a b", "bb a", "ab"]
    folder = tmp_path / "inner"
    folder.mkdir()
    for name, text in zip("xyz", texts, strict=True):
        soundfile.write(folder / f"{name}.wav", sound("_" + "_".join(text)), RATE)
    (folder / "notes.txt").write_text("no sound")
    paths = [folder / f"{name}.wav" for name in "xyz"]
    assert recognizer(str(paths[0])).text == "a b"
    assert [answer.text for answer in recognizer(tmp_path)] == texts
    answers = recognizer([paths[2], sound("_b_"), str(paths[1])])
    assert [answer.text for answer in answers] == ["ab", "b", "bb a"]
    assert [answer.name for answer in answers] == [str(paths[2]), "", str(paths[1])]
    given = recognizer.transcripts(iter([paths[2], sound("_b_"), str(paths[1])]))
    assert [answer.text for answer in given] == [answer.text for answer in answers]
    assert recognizer([]) == []
    assert recognizer(torch.from_numpy(sound("_b_"))).text == "b"


def test_rates_channels_and_whole_numbers_are_alike(recognizer):
    once = np.repeat(sound("_aa_ _b_"), 2)
    assert recognizer(once, 2 * RATE).text == "a b"
    assert recognizer((once * 32767).astype("int16"), 2 * RATE).text == "a b"
    assert recognizer(np.stack([once * 2, once * 0], 1), 2 * RATE).text == "a b"


def test_batches_are_of_like_length_and_change_no_order():
    recognizer = Recognizer(Loudness())
    paths = ["_a_" * n for n in (1, 40, 2, 41)]
    answers = recognizer([sound(path) for path in paths])
    assert [len(answer.text) for answer in answers] == [1, 40, 2, 41]
    assert sum(b * t for b, t in recognizer.engine.batches) <= 1.1 * sum(len(sound(path)) for path in paths)


def test_labels_have_no_words():
    quiet, loud = Recognizer(Louder())([sound("____"), sound("bbbb")])
    assert (quiet.text, loud.text, loud.words) == ("no", "yes", [])
    assert loud.confidence == pytest.approx(0.9)


def test_a_long_recording_is_cut_and_its_words_stay_in_their_place(monkeypatch):
    import asrx.recognition.recognizer as module

    def loud(wave_T, last):
        return np.abs(np.resize(wave_T, (len(wave_T) // 256, 256))).max(1) > 0

    monkeypatch.setattr(module, "SpeechDetector", lambda rate: loud)
    wave = np.concatenate([sound("_ab_"), sound("_" * 100), sound("_bb_ _a_")])
    whole, cut = Recognizer(Loudness())(wave), Recognizer(Loudness(), longest=3.0)(wave)
    assert (len(whole.pieces), len(cut.pieces)) == (1, 2)
    for piece, start in zip(cut.pieces, (1, 105), strict=True):
        assert piece.words[0].start == pytest.approx(start * FRAME / RATE, abs=FRAME / RATE)
    silent = Recognizer(Loudness(), longest=3.0)(np.zeros(5 * RATE, "float32"))
    assert (silent.text, silent.pieces, silent.confidence) == ("", [], 1.0)
    assert all(write(silent) is not None for write in FORMATS.values())


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (np.zeros(0, "float32"), r"samples of shape \(0,\)"),
        (np.zeros((2, 2, 2), "float32"), r"samples of shape \(2, 2, 2\)"),
        (np.zeros(9, "int32"), "type int32"),
        (np.full(9, np.nan, "float32"), "not a finite number"),
        (np.full(9, 3e4, "float32"), r"beyond \[-1, 1\]"),
    ],
)
def test_samples_that_are_none(recognizer, samples, sentence):
    with pytest.raises(UserError, match=sentence):
        recognizer(samples)


def test_files_that_are_none(recognizer, tmp_path):
    (tmp_path / "x.wav").write_text("no sound")
    with pytest.raises(UserError, match=r"x\.wav cannot be read"):
        recognizer(tmp_path / "x.wav")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no recordings"):
        recognizer(tmp_path / "empty")


def test_formats(recognizer):
    answer = recognizer(sound("_ab_ _b_"))
    assert FORMATS["txt"](answer) == "ab b\n"
    line = json.loads(FORMATS["jsonl"](answer))
    assert (line["text"], line["words"][1]["text"], line["words"][1]["start"]) == ("ab b", "b", 0.24)
    assert FORMATS["srt"](answer) == "1\n00:00:00,040 --> 00:00:00,280\nab b\n\n"
    assert FORMATS["vtt"](answer).startswith("WEBVTT\n\n00:00:00.040 --> 00:00:00.280\nab b\n")
    assert [row.split()[:5] for row in FORMATS["ctm"](answer).splitlines()] == [
        ["-", "1", "0.04", "0.08", "ab"],
        ["-", "1", "0.24", "0.04", "b"],
    ]
    grid = FORMATS["TextGrid"](answer).splitlines()
    assert grid[:2] == ['File type = "ooTextFile"', 'Object class = "TextGrid"']
    tier = grid[grid.index('"words"') + 4 :]
    ends = [float(row) for row in tier if row[0] != '"']
    assert ends == sorted(ends)  # intervals meet
    assert ends[-1] == pytest.approx(answer.duration)


def test_subtitles_are_cut_between_words_and_markup_is_text():
    words = [Word("word", i * 2.0, i * 2.0 + 1.5, 1.0) for i in range(6)]
    long = Transcript("x.wav", 12.0, [Piece(0.0, 12.0, " ".join(word.text for word in words), 1.0, words)])
    cues = FORMATS["srt"](long).split("\n\n")[:-1]
    assert [cue.splitlines()[1] for cue in cues] == [
        "00:00:00,000 --> 00:00:05,500",
        "00:00:06,000 --> 00:00:11,500",
    ]
    label = Transcript("x.wav", 1.0, [Piece(0.0, 1.0, "<b>&", 1.0)])
    assert "&lt;b&gt;&amp;" in FORMATS["vtt"](label)


def test_asking_for_asrx_imports_no_torch():
    code = "import sys, asrx; assert 'torch' not in sys.modules; asrx.load; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)

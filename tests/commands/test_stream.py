"""What the command answers before and after the sound."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from asrx.__main__ import main


@pytest.fixture
def stream(monkeypatch, trained_run):
    def command(*words, given: bytes = b"") -> object:
        monkeypatch.setattr(sys, "argv", ["asrx", "stream", str(trained_run), *words])
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(given))))
        try:
            main()
        except SystemExit as end:
            return end.code

    return command


@pytest.mark.parametrize(
    ("words", "given", "answer"),
    [
        (["-", "--rate", "0"], b"", "--rate 0 is of standard input, -, and a number of Hz"),
        (["talk.wav", "--rate", "8000"], b"", "--rate 8000 is of standard input, -,"),
        (["-"], b"RIFF\x24\0\0\0WAVEfmt ", "Standard input is a WAV, and - takes bare samples"),
        (["-"], b"", "No sound came"),
    ],
)
def test_what_is_no_sound_is_told(stream, words, given, answer):
    assert answer in str(stream(*words, given=given))


def test_samples_on_standard_input_are_heard(stream, capsys):
    assert stream("-", given=b"\0\1" * 8000) is None
    assert "1.0 s in chunks of 100 ms" in capsys.readouterr().err

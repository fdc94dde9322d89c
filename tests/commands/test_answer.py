"""What every command does about errors, and about output that nobody reads."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from asrx.commands import sentences
from asrx.commands.answer import answer, answered
from asrx.commands.outlet import outlets


@pytest.mark.parametrize("error", [KeyError("cause"), AssertionError(), RecursionError("deep")], ids=repr)
def test_what_nobody_foresaw_is_a_sentence_and_a_file(error, monkeypatch):
    with pytest.raises(SystemExit) as ended, answered([]):
        raise error
    sentence = ended.value.code
    assert re.match(rf"asrx: this was not foreseen \({type(error).__name__}", sentence)
    log = Path(re.search(r": (\S+/error\.log) says where", sentence)[1])
    assert "Traceback" in log.read_text() and "test_answer.py" in log.read_text()
    monkeypatch.setenv("ASRX_TRACEBACK", "1")
    with pytest.raises(type(error)), answered([]):
        raise error


def test_the_file_lies_in_the_run_folder_where_that_can_be_written(tmp_path, monkeypatch):
    assert f"{tmp_path}/error.log says" in answer(KeyError("cause"), [], tmp_path)
    assert "error.log says" in answer(KeyError("cause"), [], tmp_path / "nowhere")
    monkeypatch.setattr("tempfile.mkdtemp", lambda: str(tmp_path / "nowhere"))
    assert "ASRX_TRACEBACK=1 shows it" in answer(KeyError("cause"), [], tmp_path / "nowhere")


def test_an_explanation_that_fails_is_no_traceback_either(tmp_path, monkeypatch):
    def fail(*_):
        raise ValueError("of the explanation")

    monkeypatch.setattr(sentences, "explain", fail)
    try:
        raise KeyError("cause")
    except KeyError as error:
        assert "of the explanation" in answer(error, [], tmp_path)
    assert "KeyError: 'cause'" in (tmp_path / "error.log").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_told_with_the_file_that_was_written():
    def growing():
        with open("/dev/full", "w", encoding="utf-8") as file:
            print("x", file=file)

    for write in (growing, lambda: Path("/dev/full").write_text("x")):
        with pytest.raises(SystemExit, match=r"^asrx: /dev/full: No space left on device: free"), answered([]):
            write()


def test_output_that_nobody_reads_ends_a_command_quietly():
    with subprocess.Popen(
        [sys.executable, "-m", "asrx", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_output_that_nobody_reads_does_not_end_training(monkeypatch):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as unread:
        monkeypatch.setattr(sys, "stdout", unread)
        with outlets(ends=False):
            print("a")
            print("b", flush=True)
            print("c", flush=True)

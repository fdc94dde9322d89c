"""The command, on a run that was trained for a moment."""

from __future__ import annotations

import json
import sys

import pytest

from asrx.__main__ import main


@pytest.fixture
def explain(monkeypatch, capsys):
    def command(*words) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["asrx", "explain", *map(str, words)])
        status = None
        try:
            main()
        except SystemExit as end:
            status = end.code
        return status, capsys.readouterr().out

    return command


def test_a_page_with_a_section_for_each_recording(trained_run, explain, tmp_path):
    rows = map(json.loads, (trained_run / "predictions.jsonl").read_text().splitlines())
    first, second = [row["audio"] for row in rows if row["hypothesis"]][:2]
    status, out = explain(trained_run, first, second, "--into", tmp_path / "why.html")
    assert status is None and out == f"Page: {tmp_path / 'why.html'}\n"
    page = (tmp_path / "why.html").read_text()
    assert page.count('<section id="recording-') == 2 and page.count("<audio ") == 2
    for part in (
        "<figcaption>What the model is given",
        "<figcaption>What it heard",
        "<figcaption>What it writes",
        "Without a band",
    ):
        assert page.count(part) == 2, part
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "") and "https://" not in page


def test_what_cannot_be_explained_leaves_no_page(trained_run, explain, tmp_path):
    (tmp_path / "talk.wav").write_text("no sound")
    for words, sentence in [
        ((tmp_path / "nowhere", tmp_path / "talk.wav"), "nowhere"),
        ((trained_run, tmp_path / "talk.wav"), f"{tmp_path / 'talk.wav'} "),
        ((trained_run, tmp_path), "talk.wav"),
        ((trained_run, tmp_path / "talk.wav", "--into", tmp_path), f"--into {tmp_path} is a folder"),
    ]:
        status, _ = explain(*words)
        assert sentence in str(status) and "not foreseen" not in str(status), status
    assert [path.name for path in tmp_path.iterdir()] == ["talk.wav"]

"""The command, from texts and from a run to decoding with what it made."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from asrx.__main__ import main
from asrx.language.arpa import read_header


@pytest.fixture
def asrx(monkeypatch, capsys):
    """Call the command in this process: arguments in, the exit status and what it printed out."""

    def command(*arguments) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["asrx", *map(str, arguments)])
        capsys.readouterr()
        status = None
        try:
            main()
        except SystemExit as end:
            status = end.code
        return status, capsys.readouterr().out

    return command


def texts(tones: list[str], part: str) -> set[str]:
    manifest = next(o for o in tones if o.startswith(f"dataset.{part}=")).split("=")[1]
    with open(manifest, encoding="utf-8") as lines:
        return {json.loads(line)["text"] for line in lines}


def test_a_run_gives_its_training_transcripts_alone(asrx, trained_run, tones, tmp_path):
    assert texts(tones, "val") - texts(tones, "train") and texts(tones, "test") - texts(tones, "train")
    status, out = asrx("lm", trained_run, "--order", "2", "--out", tmp_path / "run.arpa")
    assert status is None and "of 48 sentences, 48 words" in out
    assert read_header(tmp_path / "run.arpa").words == texts(tones, "train")


def test_texts_and_manifests_are_read_together(asrx, tones, tmp_path):
    manifest = next(o for o in tones if o.startswith("dataset.val=")).split("=")[1]
    (tmp_path / "a.txt").write_text("Ein  Größe\n\nein\n", encoding="utf-8")
    status, _ = asrx("lm", tmp_path / "a.txt", manifest, "--out", tmp_path / "a.arpa")
    assert status is None
    assert read_header(tmp_path / "a.arpa").words == {"ein", "größe"} | texts(tones, "val")
    assert (
        asrx("lm", tmp_path / "a.txt", "--keep-case", "--tokens", "characters", "--out", tmp_path / "a.arpa")[0] is None
    )
    assert read_header(tmp_path / "a.arpa").words == {"<space>", *"EeinGröße"}


def test_how_to_decode_is_searched_without_training(asrx, trained_run, tmp_path):
    run = shutil.copytree(trained_run, tmp_path / "run")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    asrx("lm", run, "--out", tmp_path / "a.arpa")
    lm = f"decode.lm={tmp_path}/a.arpa"
    weights = ["decode.lm_weight=interval(0,2)", "decode.word_score=choice(-100,0)"]
    status, out = asrx("evaluate", run, "-m", "search=tpe", "search.trials=12", "decode=lm", lm, *weights)
    assert status is None
    head, *rows, last = [line.strip() for line in out.splitlines()]
    assert head.startswith("val/cer in %") and len(rows) == 10
    figures = [float(row.split()[0]) for row in rows]
    assert figures == sorted(figures) and figures[0] < figures[-1]  # nothing is said at -100
    assert [row.split()[2] for row in rows].index("decode.word_score=-100") > 0
    best = rows[0].split()[1:]
    assert last.startswith(f"12 tried. The best on the test part: python -m asrx evaluate {run} decode=lm {lm}")
    _, out = asrx("evaluate", run, "test_part=val", "decode=lm", lm, *best, "--snr")
    assert out.splitlines()[1].split(" / ")[-1].split()[0] == f"{figures[0]:.2f}"
    after = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert {path for path in after if after[path] != before.get(path)} <= {run / "evaluation.json"}

    _, out = asrx("evaluate", run, "-m", "search=grid", "search.metric=val/wer", "decode=greedy,beam,lexicon")
    assert len(out.splitlines()) == 5


def test_what_cannot_be_used_is_answered_in_a_sentence(asrx, trained_run, tone_labels, tmp_path):
    out = tmp_path / "a.arpa"
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "latin.txt").write_bytes(b"\xe4\n")
    search = ["evaluate", trained_run, "-m", "search=tpe"]
    for words, why in (
        (["lm", tmp_path / "empty.txt", "--out", out], "empty.txt holds no text: give a file with a sentence"),
        (["lm", tmp_path / "latin.txt", "--out", out], "latin.txt is not UTF-8"),
        (["lm", tmp_path / "none.txt", "--out", out], "none.txt cannot be read (No such file or directory)"),
        (["lm", tmp_path, "--out", out], "there is no run in that folder"),
        (["lm", trained_run, "--order", "0", "--out", out], "--order 0 should be a whole number from 1 to 10"),
        (["lm", trained_run, "--out", tmp_path / "no" / "a.arpa"], "there is no folder"),
        (["lm", trained_run, "--out", tmp_path], "Is a directory"),
        (["lm", trained_run], "arguments are required: --out"),
        (["evaluate", trained_run, "-m", "decode=greedy,beam"], "say how, search=grid, search=random or search=tpe"),
        ([*search, "decode=beam"], "There is nothing to search"),
        ([*search, "seed=1,2"], "seed is no key of decode, so a search of it has to train"),
        ([*search, "decode=beam", "decode.beam=2,3", "search.folds=2"], "search.folds is of no use"),
        ([*search, "decode=beam", "decode.beam=2,3", "search.metric=test/wer"], "says nothing of how validation"),
        ([*search, "decode=beam", "decode.beam=1,3"], "decode.beam=1 should be 2 or more"),
        (
            [*tone_labels, "decode=beam", f"hydra.run.dir={tmp_path}/run"],
            "LabelDecoder cannot make decode's Beam: use decode=greedy.",
        ),
    ):
        status, _ = asrx(*words)
        assert why in status, (words, status)
    assert not out.exists()

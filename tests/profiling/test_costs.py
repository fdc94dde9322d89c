"""The command, on a run that was trained for a moment."""

from __future__ import annotations

import re
import sys

import pytest

from asrx.__main__ import main
from asrx.profiling import energy, profile
from asrx.profiling.devices import Device


@pytest.fixture
def command(monkeypatch, capsys):
    def run(*words) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["asrx", "profile", *map(str, words)])
        status = None
        try:
            main()
        except SystemExit as end:
            status = end.code
        return status, capsys.readouterr().out

    return run


def test_every_form_has_its_row(trained_run, command, monkeypatch):
    monkeypatch.setattr(profile, "LENGTHS", (1, 2))
    small = Device((1,), watts=3.0)
    monkeypatch.setattr("asrx.commands.profile.devices", lambda: {"here": small})
    status, out = command(trained_run)
    assert status is None, status
    assert re.search(r"^[\d,]+ parameters, [\d.]+ MMAC for a second of sound", out)
    assert "on 12 recordings of the test part" in out and "at 3 W of a core" in out
    rows = {row[0]: row[1:] for row in (re.split(r"  +", line) for line in out.splitlines()[1:5])}
    assert list(rows) == ["form", "PyTorch", "ONNX", "ONNX int8"]
    figures = {name: dict(zip(rows["form"], row, strict=True)) for name, row in rows.items() if name != "form"}
    for row in figures.values():
        assert float(row["1 s"].split(",")[0]) > 0 and float(row["RTFx"]) > 0 and float(row["mJ/s"]) > 0
    # onnxruntime alone, without torch
    assert float(figures["ONNX"]["memory, MB"]) < 0.7 * float(figures["PyTorch"]["memory, MB"])
    assert float(figures["ONNX"]["cold start, s"]) < float(figures["PyTorch"]["cold start, s"])
    assert float(figures["ONNX int8"]["MB"]) < float(figures["ONNX"]["MB"])


def test_what_does_not_fit_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(profile, "LENGTHS", (1,))
    form = profile.Form("ONNX", "onnx", tmp_path, 5_000_000)
    costs = [profile.Cost(form, 1, None, None)]
    table = profile.table(profile.Profile(10, 1, costs, "noise", ["no limits"]), Device((1,), memory=1, share=0.5))
    assert "memory is not enough" in table and table.endswith("Not as asked: no limits.")
    assert "One core has 50% of its time" in table


def test_the_machine_s_own_counters(tmp_path, monkeypatch):
    monkeypatch.setattr(energy, "COUNTERS", tmp_path)
    assert energy.joules() is None
    for i, count in enumerate((1_500_000, 250_000)):
        (tmp_path / f"intel-rapl:{i}").mkdir()
        (tmp_path / f"intel-rapl:{i}" / "energy_uj").write_text(f"{count}\n")
    assert energy.joules() == 1.75


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--share", "0"], "--share 0 should be"),
        (["--watts", "-1"], "--watts -1 should be"),
        (["--recordings", "nothing.wav"], "nothing.wav"),
    ],
)
def test_wrong_input_is_one_sentence(trained_run, command, words, told):
    status, out = command(trained_run, *words)
    assert told in str(status) and "Traceback" not in out

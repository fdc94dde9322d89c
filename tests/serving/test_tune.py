"""What a machine can serve, worked out from what it was seen to do."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from asrx.__main__ import main
from asrx.serving.tune import CHUNK, Measured, streams_held, table


def test_a_core_holds_as_many_streams_as_its_work_allows():
    # chunks that take 1 ms each: a hundred fill a core, and a few more are late by the end of the minute
    assert streams_held(np.full(100, CHUNK / 100)) == pytest.approx(100, abs=2)
    assert streams_held(np.full(100, 0.9 * CHUNK)) == 1
    assert streams_held(np.full(100, 4 * CHUNK)) == 0
    # one in twenty chunks takes long: the others wait for it
    uneven = np.array([0.001] * 19 + [0.2])
    assert 1 <= streams_held(uneven) < CHUNK / uneven.mean()


def test_the_best_settings_are_named():
    chunks = np.full(10, 0.002)
    told = table([Measured(1, chunks, 40, 100.0), Measured(2, chunks, 50, 150.0)], "noise")
    assert told.endswith("--threads 1 --max-streams 40: a thousand streams take 25 cores.")
    assert "not even one stream" in table([Measured(1, chunks, 0, 1.0)], "noise")


def test_the_command_serves_nothing(trained_run, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["asrx", "serve", str(trained_run), "--tune"])
    main()
    out = capsys.readouterr().out
    assert "Measured on 12 recordings of the test part" in out and "--threads" in out
    monkeypatch.setattr(sys, "argv", ["asrx", "serve", str(trained_run), "--threads", "0"])
    with pytest.raises(SystemExit, match="--threads 0 should be"):
        main()

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from asrx.training import threads


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"])
def test_what_the_user_chose_stays(monkeypatch, name):
    for variable in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, "user")
    threads.wait_briefly()
    assert {v: os.environ.get(v) for v in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT") if v in os.environ} == {name: "user"}


def test_a_spin_has_an_end(monkeypatch):
    for variable in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(variable, raising=False)
    threads.wait_briefly()
    assert 0 < int(os.environ["GOMP_SPINCOUNT"]) < 10_000
    monkeypatch.delenv("GOMP_SPINCOUNT")


def test_other_processes_are_seen_and_own_work_is_not(monkeypatch):
    busy = iter([100.0, 103.1])
    own = iter([5.0, 6.0])
    clock = iter([10.0, 12.0, 12.0])
    monkeypatch.setattr(threads, "_busy_seconds", lambda: next(busy))
    monkeypatch.setattr(threads, "_own_seconds", lambda: next(own))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    assert threads.Others().cores() == 1  # 2.1 s of others in 2 s


def test_at_least_one_thread_and_no_more_than_the_cores_left(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    assert [threads.share(n) for n in (0, 1, 3, 9)] == [4, 3, 1, 1]


def test_a_busy_neighbour_is_measured():
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as neighbour:
        try:
            others = threads.Others()
            time.sleep(1.0)
            assert others.cores() >= 1
        finally:
            neighbour.kill()

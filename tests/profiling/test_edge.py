"""Smaller machines, played by this one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from asrx.profiling import devices
from asrx.profiling.devices import Device, confined


@pytest.mark.parametrize("version", [1, 2])
def test_the_limits_are_written_as_linux_reads_them(tmp_path, monkeypatch, version):
    monkeypatch.setattr(devices, "CGROUPS", tmp_path)
    if version == 2:
        (tmp_path / "cgroup.controllers").write_text("cpu memory")
    for name in ("cpu", "memory"):
        (tmp_path / name).mkdir()
    with confined(Device((1,), share=0.25, memory=1 << 30)) as (confine, trouble):
        confine(17)
        assert not trouble
        files = {path.name: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    expected = {
        1: {"cpu.cfs_period_us": "4000", "cpu.cfs_quota_us": "1000", "memory.limit_in_bytes": "1073741824"},
        2: {"cpu.max": "1000 4000", "memory.max": "1073741824"},
    }
    assert files.items() >= (expected[version] | {"cgroup.procs": "17"}).items()


def test_limits_that_cannot_be_set_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "CGROUPS", tmp_path / "nowhere")
    with confined(Device((1,), share=0.25)) as (confine, trouble):
        confine(17)
    assert trouble.startswith("no limits of CPU and memory could be set (") and "nowhere" in trouble


def test_a_share_of_a_core_is_slower_and_memory_ends():
    code = "import sys, time\nsys.stdin.read()\nbegun, busy = time.perf_counter(), time.process_time()\n"
    code += "while time.process_time() < busy + 0.2: pass\n"
    code += "print(time.perf_counter() - begun, flush=True)\nbytearray(400 << 20)"
    with confined(Device((1,), share=0.2, memory=200 << 20)) as (confine, trouble):
        if trouble:
            pytest.skip(f"it takes the right to make cgroups: {trouble}")
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        confine(child.pid)
        output, _ = child.communicate("")
    assert float(output) > 0.8
    assert child.returncode == -9

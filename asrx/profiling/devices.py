"""The machine that a model is to run on: this one, or a smaller one that this one plays."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
QUANTUM = 1000  # µs, the least that Linux takes for a quota


@dataclass(frozen=True)
class Device:
    """What a process may use.

    Attributes:
        threads: for each of which everything is measured.
        share: of a core of this machine, that it may use; None is all of every core.
        memory: bytes; None is all.
        watts: that a core draws while it works; None where nobody said.
    """

    threads: tuple[int, ...]
    share: float | None = None
    memory: int | None = None
    watts: float | None = None


def devices() -> dict[str, Device]:
    """Those that can be named."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # a Raspberry Pi 3 B+ has 1 GB; a quarter of a server's core, and 4 W, are assumptions
    return {
        "here": Device(tuple(sorted({1, cores}))),
        "raspberry-pi": Device((1,), share=0.25, memory=1 << 30, watts=4.0),
    }


@contextlib.contextmanager
def confined(device: Device) -> Iterator[tuple[Callable[[int], None], str]]:
    """What gives a process, by its number, no more than the device has; and what could not be had, empty where all
    could."""
    if device.share is None and device.memory is None:
        yield (lambda process: None), ""
        return
    made: list[Path] = []
    try:
        try:
            for folder, files in _groups(device).items():
                folder.mkdir()
                made.append(folder)
                for name, value in files.items():
                    (folder / name).write_text(value)
            trouble = ""
        except OSError as error:
            trouble = f"no limits of CPU and memory could be set ({error.filename}: {error.strerror})"
        members = [] if trouble else [folder / "cgroup.procs" for folder in made]

        def confine(process: int) -> None:
            for member in members:
                member.write_text(str(process))

        yield confine, trouble
    finally:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _groups(device: Device) -> dict[Path, dict[str, str]]:
    """Files to write in folders to make, https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1. The period
    is so short that a core is slow and does not work and sleep in turns as long as a recording's answer."""
    name = f"asrx-{os.getpid()}"
    period = round(QUANTUM / (device.share or 1))
    quota = QUANTUM if device.share else None
    if (CGROUPS / "cgroup.controllers").exists():
        files = {"cpu.max": f"{quota or 'max'} {period}", "memory.max": str(device.memory or "max")}
        return {CGROUPS / name: files}
    cpu = {"cpu.cfs_period_us": str(period), "cpu.cfs_quota_us": str(quota or -1)}
    return {CGROUPS / "cpu" / name: cpu, CGROUPS / "memory" / name: {"memory.limit_in_bytes": str(device.memory or -1)}}

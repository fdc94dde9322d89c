"""How many threads compute, and how they wait for each other.

Threads that spin without end take the turns of other programs away, and in the end their own (a step beside one busy
process took 20 to 80 times as long); threads that sleep at once halve the speed of a quiet machine.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

SPINS = "1000"  # then a waiting thread sleeps; on a quiet machine within about 5 % of spinning without end


def wait_briefly() -> None:
    """Let OpenMP's threads spin for a moment and then sleep, unless the user says how; before torch is imported."""
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = SPINS


class Others:
    """Watches, from when it is made, how many cores other processes keep busy (0 where the system does not tell)."""

    def __init__(self):
        self.start = time.monotonic(), _busy_seconds(), _own_seconds()

    def cores(self) -> int:
        """Cores that were busy with others since then, rounded."""
        before, all_before, own_before = self.start
        elapsed = time.monotonic() - before
        others = _busy_seconds() - all_before - (_own_seconds() - own_before)
        return max(0, round(others / elapsed)) if elapsed > 0 else 0


def share(others: int) -> int:
    """Threads to compute with: a core each of those that this process may use and others leave, at least one."""
    return max(1, len(os.sched_getaffinity(0)) - others)


def _busy_seconds() -> float:
    """Of all cores and processes, since the system started."""
    try:
        user, nice, system, _idle, _wait, irq, softirq, steal, *_ = map(int, _stat().split()[1:])
    except (OSError, ValueError):
        return 0.0
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _stat() -> str:
    with Path("/proc/stat").open(encoding="ascii") as file:
        return file.readline()


def _own_seconds() -> float:
    own = os.times()
    return own.user + own.system + own.children_user + own.children_system

"""How many threads compute, and how they wait for each other.

Threads that spin without end take the turns of other programs away, and in the end their own (a step beside one busy
process took 20 to 80 times as long); threads that sleep at once halve the speed of a quiet machine.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

SPINS = "5000"  # then a waiting thread sleeps: as fast as spinning without end on a quiet machine; 1,000 is 10 % slower
SHORTEST = 0.2  # s; the system counts in hundredths


def wait_briefly() -> None:
    """Let OpenMP's threads spin for a moment and then sleep, unless the user says how; before torch is imported."""
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = SPINS


class Others:
    """Watches, from when it is made, how many of the cores that this process may use are kept busy by other processes
    (none where the system does not tell)."""

    def __init__(self):
        self.start = time.monotonic(), _busy_seconds(), _own_seconds()

    def cores(self) -> int:
        """Cores that others kept busy since then, rounded; it looks for a fifth of a second at least."""
        began, all_before, own_before = self.start
        time.sleep(max(0.0, began + SHORTEST - time.monotonic()))
        others = _busy_seconds() - all_before - (_own_seconds() - own_before)
        return max(0, round(others / (time.monotonic() - began)))


def share(others: int) -> int:
    """Threads to compute with: one for each core that this process may use and others leave, at least one."""
    return max(1, len(os.sched_getaffinity(0)) - others)


def _busy_seconds() -> float:
    """Of all processes on the cores that this one may use, since the system started."""
    mine = {f"cpu{core}" for core in os.sched_getaffinity(0)}
    try:
        lines = [line.split() for line in Path("/proc/stat").read_text(encoding="ascii").splitlines()]
    except OSError:
        return 0.0
    # user, nice, system, idle, waiting, interrupts ...
    ticks = sum(sum(map(int, [*times[:3], *times[5:8]])) for name, *times in lines if name in mine)
    return ticks / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    own = os.times()
    return own.user + own.system + own.children_user + own.children_system

"""What the machine says of the energy it draws."""

from __future__ import annotations

from pathlib import Path

COUNTERS = Path("/sys/class/powercap")


def joules() -> float | None:
    """What the processors have drawn so far, by the counters of Intel and AMD; None where nothing can be read."""
    try:
        counters = [path.read_text() for path in COUNTERS.glob("intel-rapl:[0-9]/energy_uj")]
    except OSError:
        return None
    return sum(map(int, counters)) / 1e6 if counters else None

"""How often each client may ask."""

from __future__ import annotations

import time
from collections import OrderedDict, deque

WINDOW = 60.0  # s


class Rate:
    """Counts what each client asked for within the last minute.

    Args:
        most: requests that are let through; 0 lets all through.
    """

    def __init__(self, most: int):
        self.most = most
        self.asked: OrderedDict[str, deque[float]] = OrderedDict()  # who asked last is last

    def wait(self, client: str, now: float | None = None) -> float:
        """Count a request; 0 where it is let through, else the seconds until another one would be."""
        if not self.most:
            return 0.0
        now = time.monotonic() if now is None else now
        while self.asked and next(iter(self.asked.values()))[-1] <= now - WINDOW:
            self.asked.popitem(last=False)
        times = self.asked.setdefault(client, deque())
        while times and times[0] <= now - WINDOW:
            times.popleft()
        if len(times) >= self.most:
            return times[0] + WINDOW - now
        times.append(now)
        self.asked.move_to_end(client)
        return 0.0

"""Where the time goes."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up wall-clock seconds by name. On a GPU, work is queued and a section counts the queueing, not the work.

    >>> stopwatch = Stopwatch()
    >>> with stopwatch("data"):
    ...     pass
    >>> list(stopwatch.seconds)
    ['data']
    """

    def __init__(self):
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start

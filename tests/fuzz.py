"""How long the fuzzes run: a few cases in the suite, always the same; 1,000 and more by `ASRX_FUZZ=1000`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings


def cases(few: int) -> settings:
    """Hypothesis's settings for a fuzz: `few` cases, or as many as ASRX_FUZZ says."""
    return settings(
        max_examples=int(os.environ.get("ASRX_FUZZ", few)),
        derandomize=True,  # the same cases on every machine
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

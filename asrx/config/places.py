"""Where asrx's own files are."""

from __future__ import annotations

from pathlib import Path


def home() -> Path:
    """The folder that holds conf/ and experiments/: the package in an installed wheel, its parent in a checkout."""
    package = Path(__file__).parents[1]
    return package if (package / "conf").is_dir() else package.parent

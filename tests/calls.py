"""The command, called in this process."""

from __future__ import annotations

import sys

import pytest


def call(*arguments: str) -> None:
    """`python -m asrx` with these arguments."""
    from asrx.__main__ import main

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["asrx", *arguments])
        main()

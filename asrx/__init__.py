"""asrx: a config-driven experiment framework for speech recognition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asrx.recognition.recognizer import load as load


def __getattr__(name: str) -> Any:
    """`asrx.load`, which imports torch only when it is asked for."""
    if name == "load":
        from asrx.recognition.recognizer import load

        return load
    raise AttributeError(f"module 'asrx' has no attribute {name!r}")

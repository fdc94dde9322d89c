"""What all pages share: how templates become a page, and how numbers, sounds and pictures are written into it."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import os
from pathlib import Path
from typing import Any


def render(template: str, **values: Any) -> str:
    """A template of asrx.report, filled in; what it uses and is not given is an error."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("asrx.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"percent": _percent, "clock": clock, "fingerprint": _fingerprint}
    return environment.get_template(template).render(values)


def write(target: Path, text: str) -> None:
    """Write a file; one that is open in a browser, or a Ctrl-C, never meets half a file."""
    draft = target.with_name(f"{target.name}.part")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, target)


def data_uri(media_type: str, data: bytes) -> str:
    """A file as part of the page."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def image_type(path: str) -> str | None:
    """`image/png` and the like, by the file's name; None for what is no image."""
    media_type = mimetypes.guess_type(path)[0] or ""
    return media_type if media_type.startswith("image/") else None


def clock(seconds: float) -> str:
    """A duration for people: 0.4 s, 12 s, 3 min 05 s, 1 h 02 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _fingerprint(script: str) -> str:
    """By which a page's policy lets its own script run, and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode('ascii')}"


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"

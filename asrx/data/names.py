"""Texts and names as people read them: one Unicode form, and nothing that no file can hold."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from asrx.types import UserError, Utterance


def nfc(text: str) -> str:
    """One Unicode form (NFC): macOS and some editors write é as e and an accent, others as one character."""
    return unicodedata.normalize("NFC", text)


def readable(utterances: Sequence[Utterance]) -> list[Utterance]:
    """The utterances with texts and speakers in one Unicode form.

    Raises:
        UserError: the name of a file, a text or a speaker is not Unicode, and could not be written to any file.
    """
    for u in utterances:
        for what, value in (("path", u.audio), ("name", u.id), ("text", u.text), ("speaker", u.speaker or "")):
            if not value.isprintable() and (told := shown(value)) != value:
                raise UserError(f"The {what} {told} of an utterance is not UTF-8: rename it, or correct the list.")
    return [
        u
        if u.text.isascii() and (u.speaker or "").isascii()
        else replace(u, text=nfc(u.text), speaker=u.speaker and nfc(u.speaker))
        for u in utterances
    ]


def shown(value: str) -> str:
    """The value, with what no file can hold, or be called, as \\x.. or \\u...."""
    value = value.replace("\0", "\\0")
    try:
        return os.fsencode(value).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a surrogate pair, as JSON can write
        return value.encode("ascii", "backslashreplace").decode()

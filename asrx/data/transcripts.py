"""What corpora and files say, as sentences for a language model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from unicodedata import normalize

from asrx.config.saved import config_of
from asrx.data.corpora.manifest import READERS, Manifest
from asrx.data.prepare import training_texts
from asrx.types import UserError


def sentences(source: Path, overrides: Sequence[str], keep_case: bool) -> list[str]:
    """What a source says, a sentence each, with single spaces.

    Args:
        source: a text file with a sentence on each line, a manifest, or a run folder, whose training transcripts are
            taken and no others.
        overrides: of the config of a run.
        keep_case: whether capitals stay.

    Raises:
        UserError: it is none of these, or says nothing.
    """
    if source.is_dir():
        texts = training_texts(config_of(source, overrides))
    elif source.suffix in READERS:
        texts = [u.text for u in Manifest(str(source)).prepare()]
    else:
        texts = _lines(source)
    found = [" ".join(normalize("NFC", text if keep_case else text.lower()).split()) for text in texts]
    if not any(found):
        raise UserError(f"{source} holds no text: give a file with a sentence on each line, a manifest or a run.")
    return [text for text in found if text]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): name a text file, a manifest or a run.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 ({error}): save it as UTF-8.") from None

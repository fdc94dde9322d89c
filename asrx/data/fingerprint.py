"""What the data of a run is, in a word."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from omegaconf import DictConfig

from asrx.augment.recordings import listing
from asrx.data.prepare import Prepared

SAMPLE = 65_536  # bytes at the beginning, in the middle and at the end of a recording that augments


def described(cfg: DictConfig, prepared: Prepared) -> str:
    """The samples, the texts and the splits, and the recordings that augment them."""
    heard = [[(size, _glance(Path(path), size)) for path, size, _ in listing(node)] for node in cfg.augment.wave]
    told = [(u.text, u.split) for u in prepared.utterances]
    return json.dumps([prepared.store.fingerprint, told, *filter(None, heard)])


def fingerprint(cfg: DictConfig, prepared: Prepared) -> str:
    """Sixteen hex digits of `described`."""
    return hashlib.blake2b(described(cfg, prepared).encode(), digest_size=8).hexdigest()


def _glance(path: Path, size: int) -> str:
    """Noise may be many hours; whoever changes a recording changes its size or one of these places."""
    seen = hashlib.blake2b(digest_size=8)
    with path.open("rb") as file:
        for start in (0, max(0, size // 2 - SAMPLE // 2), max(0, size - SAMPLE)):
            file.seek(start)
            seen.update(file.read(SAMPLE))
    return seen.hexdigest()

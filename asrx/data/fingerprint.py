"""What the data of a run is, in a word."""

from __future__ import annotations

import hashlib
import json
from functools import cache

from omegaconf import DictConfig, OmegaConf

from asrx.augment.recordings import listing
from asrx.data.prepare import Prepared


def described(cfg: DictConfig, prepared: Prepared) -> str:
    """The samples, the texts and the splits, and the recordings that augment them, or that they are mixed with."""
    folders = [{"folder": cfg.dataset.get(key)} for key in ("noises", "test_noises") if cfg.dataset.get(key)]
    heard = [[_content(*file) for file in listing(node)] for node in [*cfg.augment.wave, *folders]]
    told = [(u.text, u.split) for u in prepared.utterances]
    return json.dumps([prepared.store.fingerprint, told, *filter(None, heard)])


def fingerprint(description: str) -> str:
    """Sixteen hex digits of what `described` answers."""
    return hashlib.blake2b(description.encode(), digest_size=8).hexdigest()


def settings(cfg: DictConfig) -> str:
    """Sixteen hex digits of what a config says of the data: with the same ones and unchanged files it is the same."""
    plain = OmegaConf.to_container(cfg, resolve=True)
    return fingerprint(json.dumps([plain["dataset"], plain["augment"], plain["data_dir"]], sort_keys=True))


@cache
def _content(path: str, size: int, changed: int) -> str:
    """Read whole: augmentation decodes all of it besides, which takes longer."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()

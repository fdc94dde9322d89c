"""Which keys of a config are texts, and which are whole numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from asrx.config.signatures import annotations

# texts whose defaults do not tell, as they are nothing or looked up
TEXTS = (
    *("data_dir", "run_dir", "resume", "monitor", "published", "search.metric", "search.direction", "search.dir"),
    *("hydra.run.dir", "hydra.sweep.dir"),
    *("dataset.root", "dataset.test_root", "augment.folder"),  # beside resume=, of a data set that is not composed
)
FILES = ("dataset.train", "dataset.val", "dataset.test")  # so too; one or several
FRACTIONS = ("dataset.batch_seconds", "search.max_failure_rate")  # their defaults may be whole by chance

TEXT = {"str", "Path"}
SEVERAL = {"list", "Sequence", "Iterable", "tuple"}
EITHER = {"None", "Optional", "Union"}


class Kinds(NamedTuple):
    """Keys by what they take: a text, texts in a list (some take both), a whole number."""

    text: set[str]
    texts: set[str]
    whole: set[str]


def kinds(cfg: DictConfig) -> Kinds:
    """Those of a composed config: by the annotation of the argument, also of a key that an argument refers to, and else
    by the default."""
    found = Kinds({*TEXTS, *FILES}, {*FILES}, set())
    for key, value, annotation in _values(OmegaConf.to_container(cfg, resolve=False)):
        names = set(re.findall(r"\w+", annotation or type(value).__name__))
        keys = {key, *re.findall(r"^\$\{([\w.]+)\}$", value)} if isinstance(value, str) else {key}
        if not annotation and isinstance(value, str) and ("${" in value or value == "???"):
            continue
        if names & TEXT and names <= TEXT | SEVERAL | EITHER:
            if not names & SEVERAL or (names & TEXT and re.search(r"(^|\|)\s*(str|Path)", annotation or "str")):
                found.text.update(keys)
            if names & SEVERAL:
                found.texts.update(keys)
        elif "int" in names and names <= {"int"} | EITHER and key not in FRACTIONS:
            found.whole.update(keys)
    return found


def at(plain: Any, key: str) -> Any:
    """What a plain config has at a key, None where it has no such key."""
    for name in key.split("."):
        if isinstance(plain, list):
            plain = plain[int(name)] if name.isdecimal() and int(name) < len(plain) else None
        else:
            plain = plain.get(name) if isinstance(plain, dict) else None
    return plain


def _values(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any, str]]:
    """Every value of a config with its key, and its annotation where it is an argument that has one."""
    known = {}
    if isinstance(node, dict) and "_target_" in node:
        known = annotations(str(node["_target_"]))
    for name, value in node.items() if isinstance(node, dict) else enumerate(node):
        place = (*path, str(name))
        if isinstance(node, dict) and not str(name).startswith("_"):
            yield ".".join(place), value, known.get(name) or ("Any" if "_target_" in node else "")
        if isinstance(value, dict | list):
            yield from _values(value, place)

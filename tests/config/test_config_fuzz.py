"""Any config is composed and checked, or answered in a sentence; what passes can be built, or is answered in one.

A few cases here; the whole by `ASRX_FUZZ=1000 python -m pytest -n 0 tests/config/test_config_fuzz.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from fuzz import cases
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf

from asrx.commands.sentences import explain
from asrx.config.check import checked
from asrx.config.compose import choices, compose, groups
from asrx.types import UserError

NEEDED = {"manifest": "dataset.train=x.jsonl", "leave_speakers_out": "dataset.split.speakers=a"}
CLASSES = [
    *("asrx.augment.speed.Speed", "asrx.augment.gain.Gain", "asrx.models.crnn.CRNN", "asrx.features.raw.Raw"),
    *("torch.nn.Dropout", "torch.optim.SGD", "pytorch_lightning.Trainer", "os.system", "asrx.nothing.X", "asrx", ""),
]
numbers = st.integers(-3, 300) | st.sampled_from([0.0, 0.5, -1.0, 1e-9, 7.5, 1e30, float("nan"), float("inf"), 2**63])
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
words = st.sampled_from(["null", "true", "???", "none", "auto", "mel", "a b", "[]", "{}", "${seed}", "${nothing}", "é"])
plain = numbers | st.booleans() | st.none() | words | names
node = st.tuples(st.sampled_from(CLASSES), st.dictionaries(names, plain)).map(lambda t: {"_target_": t[0]} | t[1])
values = st.recursive(plain | node, lambda x: st.lists(x, max_size=3) | st.dictionaries(names, x, max_size=3))


def written(value: Any) -> str:
    """As somebody would write it, with Hydra's quotes or without."""
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}: {written(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def keys(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield f"{path}{name}", inner
        yield from keys(inner, f"{path}{name}.")


@cache
def known(chosen: tuple[str, ...]) -> dict[str, Any]:
    """What `--cfg job` prints, each key with its value."""
    try:
        return dict(keys(OmegaConf.to_container(compose(list(chosen)))))
    except Exception:
        return {"seed": 0}


def like(value: Any) -> st.SearchStrategy:
    """Values of the same kind."""
    if isinstance(value, bool):
        return st.booleans()
    if isinstance(value, int):
        return st.integers(-3, 300)
    if isinstance(value, float):
        return numbers
    if isinstance(value, list):
        return st.lists(like(value[0]) if value else node, max_size=3)
    return st.sampled_from(["none", "utterance", "corpus", "val/loss", "ab", str(value)])


@st.composite
def commands(draw) -> list[str]:
    chosen = []
    for group in draw(st.lists(st.sampled_from(groups()), max_size=3, unique=True)):
        name = draw(st.sampled_from(list(choices(group))) if draw(st.integers(0, 9)) else names)
        if group in ("augment", "logger", "features") and not draw(st.integers(0, 4)):
            chosen.append(f"{group}=[{name},{draw(st.sampled_from(list(choices(group))))}]")
        else:
            chosen.append(f"{group}={name}")
        chosen += [needed for choice, needed in NEEDED.items() if choice == name]
    present = known(tuple(chosen))
    for _ in range(draw(st.integers(0, 3))):
        key = draw(st.sampled_from(list(present)))
        value = draw(like(present[key]) if draw(st.integers(0, 2)) else values)
        key += draw(st.sampled_from([*[""] * 8, ".x", "x", ".0", "._target_"]))
        prefix = draw(st.sampled_from([*[""] * 6, "+", "++", "~"]))
        chosen.append(f"~{key}" if prefix == "~" else f"{prefix}{key}={written(value)}")
    return chosen


@cases(12)
@given(commands())
def test_any_config_is_right_or_answered(overrides):
    try:
        cfg = checked(overrides)
    except Exception as error:
        sentence = explain(error, overrides)
        assert sentence, f"{overrides}: {error!r}"
        assert "\n" not in sentence.strip()
        return
    build(cfg)


def build(cfg: DictConfig) -> None:
    """What a run makes of its config before it looks at data."""
    from asrx.training.assembly import assemble
    from asrx.training.stopwatch import Stopwatch

    try:
        assemble(cfg, ["a", "b"], Stopwatch())
    except UserError as error:
        assert "\n" not in str(error)

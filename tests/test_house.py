"""What holds for every file under conf/ and experiments/, and for every module."""

from __future__ import annotations

import ast
import inspect
from itertools import product
from pathlib import Path

import pytest
import torch
from hydra.utils import get_class, get_method
from omegaconf import OmegaConf

from asrx.config import check, choices, compose, groups, supplied
from asrx.signatures import signature

REPO = Path(__file__).parents[1]
CHOICES = [(group, name) for group in groups() for name in choices(group)]
SAMPLE_RATE = 8000


def overrides(group: str, name: str) -> list[str]:
    """The choice, and what it cannot do without."""
    needed = ["dataset.train=x.jsonl"] if name == "manifest" else []
    return [f"{group}=[{name}]" if group == "logger" else f"{group}={name}", *needed]


def targets(node, path=()):
    """Every (path, node) with a _target_."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield ".".join(path), node
        for name, value in node.items():
            yield from targets(value, (*path, str(name)))
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from targets(value, (*path, str(i)))


@pytest.mark.parametrize(("group", "name"), CHOICES, ids=[f"{g}={n}" for g, n in CHOICES])
def test_every_choice_composes_and_binds(group, name):
    cfg = compose(overrides(group, name))
    check(cfg, cfg)
    for path, node in targets(OmegaConf.to_container(cfg, resolve=True)):
        target = node["_target_"]
        definition = get_class(target) if target.split(".")[-1][0].isupper() else get_method(target)
        real = inspect.signature(definition)
        nested = {key for key, value in node.items() if isinstance(value, dict) and "_target_" in value}
        given = {key for key in node if not key.startswith("_")} - nested
        real.bind(**dict.fromkeys([*given, *supplied(path.split("."))]))
        read = signature(target)
        assert list(read.arguments) == [n for n, p in real.parameters.items() if p.kind is not p.VAR_KEYWORD]


@pytest.mark.parametrize(("group", "name"), CHOICES, ids=[f"{g}={n}" for g, n in CHOICES])
def test_every_choice_says_what_it_is(group, name):
    assert len(choices(group)[name].split()) > 1


FEATURES = [f"features={name}" for name in choices("features")] + ["features=raw features.window=200 features.hop=80"]
ENCODERS = [f"model/encoder={name}" for name in choices("model/encoder")]


@pytest.mark.parametrize("normalize", ["none", "utterance", "corpus"])
@pytest.mark.parametrize(("features", "encoder"), product(FEATURES, ENCODERS))
def test_padding_and_batch_size_change_nothing(features, encoder, normalize):
    from asrx.config import build
    from asrx.types import UserError

    cfg = compose([*features.split(), encoder, f"dataset.sample_rate={SAMPLE_RATE}", f"features.normalize={normalize}"])
    torch.manual_seed(0)
    extract = build(cfg.features)
    try:
        encode = build(cfg.model.encoder, in_dim=extract.dim)
    except UserError as reason:
        assert "feature bins" in str(reason)  # the one combination that cannot work says why
        assert extract.dim < 16
        return
    lengths = torch.tensor([801, 2400, 1999])
    waves = [torch.randn(int(n)) for n in lengths]
    extract.fit([(wave[None], torch.tensor([len(wave)])) for wave in waves])
    encode.train()
    for _ in range(3):  # batch normalisation that has seen something
        encode(*extract(torch.randn(4, 2000), torch.full((4,), 2000)))
    extract.eval(), encode.eval()
    padded = torch.zeros(3, 3001)
    for row, wave in zip(padded, waves, strict=True):
        row[: len(wave)] = wave
    frames, frame_lengths = extract(padded, lengths)
    together, together_lengths = encode(frames, frame_lengths)
    assert frame_lengths.tolist() == [extract.frames(int(n)) for n in lengths]
    assert together_lengths.tolist() == [encode.out_len(extract.frames(int(n))) for n in lengths]
    assert together.shape[2] == encode.dim
    for i, wave in enumerate(waves):
        alone_frames, alone_frame_lengths = extract(wave[None], lengths[i : i + 1])
        alone, alone_lengths = encode(alone_frames, alone_frame_lengths)
        n = int(alone_lengths[0])
        assert n == together_lengths[i]
        torch.testing.assert_close(together[i, :n], alone[0, :n], atol=2e-5, rtol=1e-4)
        assert not together[i, n:].any()


AUGMENTATIONS = sorted(
    {node["_target_"]: node for name in choices("augment") for part in ("wave", "frames")
     for node in OmegaConf.to_container(compose([f"augment={name}"]).augment[part])}.items()
)  # fmt: skip


@pytest.mark.parametrize("node", [node for _, node in AUGMENTATIONS], ids=[target for target, _ in AUGMENTATIONS])
def test_every_augmentation_leaves_padding_and_lengths_true(node):
    from asrx.config import build

    torch.manual_seed(0)
    augment = build(node)
    lengths = torch.tensor([5, 60, 100])
    x = torch.randn(3, 100, 20) if "specaug" in node["_target_"] else torch.randn(3, 100)
    for row, n in zip(x, lengths, strict=True):
        row[n:] = 0
    before, changed = x.clone(), False
    for _ in range(20):
        y, after = augment(x, lengths)
        assert torch.equal(x, before), "the input was written over"
        assert y.shape == x.shape
        assert torch.equal(after, lengths)
        for row, n in zip(y, after, strict=True):
            assert not row[n:].any()
        changed |= not torch.equal(x, y)
    assert changed


# the rooms, from the ground up: a module imports from rooms below its own, and from its own
FLOORS = [
    {"types", "signatures", "masking", "stopwatch", "schedules"},
    {"config"},
    {"data", "features", "augment", "models", "decoding", "metrics"},
    {"objectives"},
    {"system"},
    {"callbacks", "report"},
    {"preflight", "explain", "usage", "run"},
    {"__main__"},
]


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else "types"


@pytest.mark.parametrize("path", sorted((REPO / "asrx").rglob("*.py")), ids=lambda p: str(p.relative_to(REPO)))
def test_imports_run_downwards(path):
    floor = {name: i for i, names in enumerate(FLOORS) for name in names}
    here = room(".".join(path.relative_to(REPO).with_suffix("").parts))
    if here == "__init__":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for module in [node.module] if isinstance(node, ast.ImportFrom) else []:
            if module and module.startswith("asrx."):
                there = room(module)
                assert there == here or floor[there] < floor[here], f"{here} imports {there}"


def test_only_config_calls_instantiate():
    users = [p.name for p in (REPO / "asrx").rglob("*.py") if "hydra.utils" in p.read_text(encoding="utf-8")]
    assert users == ["config.py"]

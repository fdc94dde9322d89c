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

from asrx.config.check import check
from asrx.config.compose import choices, compose, groups
from asrx.config.signatures import signature

REPO = Path(__file__).parents[1]
CHOICES = [(group, name) for group in groups() for name in choices(group)]
SAMPLE_RATE = 8000
# what the program gives to those that take it; the YAML leaves it out
GIVEN = (
    "in_dim in_frames texts labels kept vocabulary words made_of module folder "  # to models
    "named lr monitor params optimizer total_steps mode"  # to training
).split()


def overrides(group: str, name: str) -> list[str]:
    """The choice, and what it cannot do without."""
    needed = {
        "manifest": ["dataset.train=x.jsonl"],
        "image": ["dataset=images"],
        "digits_unseen_speaker_pretrained": ["model.init.checkpoint=x"],
        "leave_speakers_out": ["dataset.split.speakers=[a]"],
        "background_noise": ["augment.folder=x"],
        "reverb": ["augment.folder=x"],
        "lm": ["decode.lm=x.arpa"],
        "characters": ["decode.lm=x.arpa"] if group == "decode" else [],
        "frozen": ["features.enhance.run=x"],
        "joint": ["features.enhance.run=x"] if group == "features/enhance" else [],
        "digits_multi_condition": ["augment.folder=x"],
        "phones": ["model.objective.vocabulary.lexicon=x"],
    }.get(name, [])
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
    for _, node in targets(OmegaConf.to_container(cfg, resolve=True)):
        target = node["_target_"]
        definition = get_class(target) if target.split(".")[-1][0].isupper() else get_method(target)
        real = inspect.signature(definition)
        nested = {key for key, value in node.items() if isinstance(value, dict) and ("_target_" in value or not value)}
        given = {key for key in node if not key.startswith("_")} - (nested - {*real.parameters})
        real.bind(**dict.fromkeys([*given, *(name for name in GIVEN if name in real.parameters)]))
        read = signature(target)
        own = [name for name, parameter in real.parameters.items() if parameter.kind is not parameter.VAR_KEYWORD]
        open_ended = len(own) < len(real.parameters)
        assert set(own) <= set(read.arguments) if open_ended else set(own) == set(read.arguments)


@pytest.mark.parametrize(("group", "name"), CHOICES, ids=[f"{g}={n}" for g, n in CHOICES])
def test_every_choice_says_what_it_is(group, name):
    assert len(choices(group)[name].split()) > 1


FEATURES = [" ".join(overrides("features", name)) for name in choices("features")]
FEATURES += ["features=raw features.window=200 features.hop=80"]
ENCODERS = [f"model/encoder={name}" for name in choices("model/encoder")]
# encoders do not know how features were normalised: one goes with every way of it
TOGETHER = [
    *product(FEATURES, ENCODERS, ["utterance"]),
    *product(FEATURES, ["model/encoder=crnn"], ["none", "level", "corpus"]),
]


@pytest.mark.parametrize(("features", "encoder", "normalize"), TOGETHER)
def test_padding_and_batch_size_change_nothing(features, encoder, normalize):
    from asrx.config.build import build
    from asrx.features.tried import features_of
    from asrx.types import UserError

    cfg = compose([*features.split(), encoder, f"dataset.sample_rate={SAMPLE_RATE}", f"features.normalize={normalize}"])
    torch.manual_seed(0)
    extract = features_of(cfg.features, SAMPLE_RATE)
    try:
        encode = build(cfg.model.encoder, torch.nn.Module, in_dim=extract.dim, in_frames=None)
    except UserError as reason:  # what cannot work says why
        assert (
            ("feature bins" in str(reason) and (extract.dim < 16 or extract.dim % 40))
            or ("makes waveforms of samples" in str(reason) and extract.dim > 1)
            or "clips of one length" in str(reason)
        )
        return
    lengths = torch.tensor([801, 2400, 1999])
    waves = [torch.randn(int(n)) for n in lengths]
    extract.fit([(wave[None], torch.tensor([len(wave)])) for wave in waves])
    encode.train()
    for _ in range(3):  # batch normalisation that has seen something
        encode(*extract(torch.randn(4, 2000), torch.full((4,), 2000)))
    extract.eval(), encode.eval()
    for weights in encode.parameters():  # some begin as if they were not there
        weights.data.add_(torch.randn_like(weights) / 20)
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


def streaming() -> list[str]:
    """The encoders that say they can run while someone speaks."""
    from asrx.types import StreamingEncoder

    return [name for name in ENCODERS if StreamingEncoder in get_class(compose([name]).model.encoder._target_).__mro__]


@pytest.mark.parametrize("encoder", streaming())
@torch.inference_mode()
def test_a_streaming_encoder_answers_part_by_part_what_it_answers_to_the_whole(encoder):
    from asrx.config.build import build

    torch.manual_seed(0)
    encode = build(compose([encoder]).model.encoder, torch.nn.Module, in_dim=40).train()
    for _ in range(3):
        encode(torch.randn(4, 100, 40), torch.full((4,), 100))
    for weights in encode.eval().parameters():
        weights.add_(torch.randn_like(weights) / 20)
    frames = torch.randn(2, 123, 40)
    whole, (n, _) = encode(frames, torch.tensor([123, 123]))
    for cut in (40, 77):  # what follows changes nothing but the last outputs
        prefix, _ = encode(frames[:, :cut], torch.tensor([cut, cut]))
        certain = prefix.shape[1] - encode.lookahead
        torch.testing.assert_close(prefix[:, :certain], whole[:, :certain], atol=1e-5, rtol=1e-4)
    for sizes in ([123], [1] * 123, [5, 1, 64, 3, 50], [0, 17, 106]):
        state, parts = encode.begin(2), []
        for part in frames.split(sizes, 1):
            answer, state = encode.advance(part, state)
            parts.append(answer)
        together = torch.cat([*parts, encode.end(state)], 1)
        assert together.shape[1] == n
        torch.testing.assert_close(together, whole, atol=1e-5, rtol=1e-4)


def augmentations() -> dict[str, tuple[str, dict]]:
    """Where each augmentation under conf/augment stands, `wave` or `frames`, and its node, by its class."""
    found = {}
    for name in choices("augment"):
        cfg = compose([f"augment={name}", f"dataset.sample_rate={SAMPLE_RATE}"])
        if OmegaConf.is_missing(cfg.augment, "folder"):
            cfg.augment.folder = "a folder of recordings"
        plain = OmegaConf.to_container(cfg.augment, resolve=True)
        found |= {node["_target_"]: (place, node) for place in ("wave", "frames") for node in plain[place]}
    return found


AUGMENTATIONS = augmentations()


@pytest.mark.parametrize(("place", "node"), AUGMENTATIONS.values(), ids=AUGMENTATIONS)
def test_every_augmentation_leaves_padding_and_lengths_true(place, node, tmp_path):
    import soundfile

    from asrx.config.build import build

    torch.manual_seed(0)
    if "folder" in node:  # a room and a noise alike: a click that dies away in a hiss
        sound = torch.rand(2000) * torch.exp(-torch.arange(2000) / 500)
        soundfile.write(tmp_path / "hiss.wav", sound.numpy(), SAMPLE_RATE)
        node = node | {"folder": str(tmp_path)}
    augment = build(node, torch.nn.Module)
    lengths = torch.tensor([500, 6000, 8000])
    x = torch.randn(3, 8000, 20) if place == "frames" else torch.randn(3, 8000)
    for row, n in zip(x, lengths, strict=True):
        row[n:] = 0
    before, changed = x.clone(), False
    for _ in range(20):
        y, after = augment(x, lengths)
        assert torch.equal(x, before), "the input was written over"
        assert y.dtype == x.dtype
        assert y.isfinite().all()
        assert y.shape[1] >= after.max()
        if augment.shortest < 1:
            assert (after >= lengths * augment.shortest - 1e-3).all()
        else:
            assert y.shape == x.shape
            assert torch.equal(after, lengths)
        for row, n in zip(y, after, strict=True):
            assert not row[n:].any()
        changed |= not torch.equal(x, y)
    assert changed


# the rooms, from the ground up: a module imports from rooms below its own, and from its own
FLOORS = [
    {"types", "masking"},
    {"checkpoint", "language", "sound", "vocabularies"},
    {"config"},
    {"features", "augment", "models", "metrics"},
    {"decoding"},  # some decoders have a network
    {"objectives"},
    {"data"},  # it makes copies with augmentations
    {"report", "watching"},
    {"training"},
    {"evaluation"},
    {"search", "recognition"},
    {"export"},
    {"interpretation", "profiling", "pruning"},
    {"serving"},
    {"commands"},
    {"__main__", "plugins"},
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


def test_nothing_but_config_makes_what_a_config_names():
    """Hydra's `instantiate` would call whatever is importable; names of modules to import come from three places."""
    texts = {p: p.read_text(encoding="utf-8") for p in (REPO / "asrx").rglob("*.py")}
    assert not [p for p, text in texts.items() if "hydra.utils" in text]
    assert {p.name for p, text in texts.items() if "import_module" in text} == {
        "components.py",
        "__main__.py",  # the commands
        "process.py",  # asrx.search.child
    }

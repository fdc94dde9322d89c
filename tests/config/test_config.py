"""What the config checks before anything heavy is imported, and how it makes objects."""

from __future__ import annotations

import sys
import textwrap

import pytest
from omegaconf import OmegaConf

from asrx.config.check import check
from asrx.config.compose import compose
from asrx.config.signatures import signature
from asrx.types import UserError

ALLOWED = compose([])
MFCC = compose(["features=mfcc"])


def changed(path: str, value, base=ALLOWED):
    cfg = base.copy()
    OmegaConf.set_struct(cfg, False)
    OmegaConf.update(cfg, path, value)
    return cfg


def refusal(path: str, value, base=ALLOWED) -> str:
    with pytest.raises(UserError) as error:
        check(changed(path, value, base), base)
    return str(error.value)


# keywords that a class hands on


def test_keywords_handed_on_to_the_class_above_are_its_arguments():
    known = signature("asrx.features.mfcc.MFCC")
    assert {"n_mfcc", "integers"} <= known.arguments.keys(), "its own"
    assert {"f_min", "f_max", "hop", "window", "log", "normalize"} <= known.arguments.keys(), "those of LogMel"
    assert not known.open
    assert known.arguments["f_max"] == "float | None"


@pytest.mark.parametrize("name", ["f_min", "hop", "range_db"])
def test_what_the_class_above_takes_may_be_set(name):
    check(changed(f"features.{name}", 3.0, MFCC), MFCC)


def test_an_argument_that_neither_class_takes_is_refused_with_the_list():
    told = refusal("features.f_mni", 3.0, MFCC)
    assert told.startswith("features.f_mni: asrx.features.mfcc.MFCC takes no argument f_mni. Did you mean f_min?")
    assert all(name in told.partition("It takes ")[2] for name in ("f_min", "integers", "n_mfcc", "window"))


CLASSES = """
    class Above:
        def __init__(self, a, b: int = 0): ...

    class HandsOn(Above):
        def __init__(self, c, **rest):
            super().__init__(1, **rest)

    class HandsOnAgain(HandsOn):
        def __init__(self, d, **rest):
            super().__init__(d, **rest)

    class Keeps(Above):
        def __init__(self, c, **rest):
            super().__init__(1)
            self.rest = rest

    class HandsOnOthers(Above):
        def __init__(self, c, settings, **rest):
            super().__init__(1, **settings)

    class Mixin: ...

    class OfTwo(HandsOn, Mixin): ...

    class Anything:
        def __init__(self, a, **rest): ...

    class HandsOnToAnything(Anything):
        def __init__(self, c, **rest):
            super().__init__(1, **rest)
"""


@pytest.mark.parametrize(
    ("name", "arguments", "is_open"),
    [
        pytest.param("HandsOn", {"a", "b", "c"}, False, id="handed on"),
        pytest.param("HandsOnAgain", {"a", "b", "c", "d"}, False, id="handed on twice"),
        pytest.param("Keeps", {"c"}, True, id="kept"),
        pytest.param("HandsOnOthers", {"c", "settings"}, True, id="other keywords handed on"),
        pytest.param("OfTwo", {"a", "b", "c"}, False, id="of the first class above that takes any"),
        pytest.param("HandsOnToAnything", {"a", "c"}, True, id="handed on to a class that takes anything"),
    ],
)
def test_which_keywords_a_class_takes(tmp_path, monkeypatch, name, arguments, is_open):
    (tmp_path / "handing_on.py").write_text(textwrap.dedent(CLASSES))
    monkeypatch.syspath_prepend(tmp_path)
    known = signature(f"handing_on.{name}")
    assert (set(known.arguments), known.open) == (arguments, is_open)
    assert "handing_on" not in sys.modules, "it is read, not imported"


# lists in lists


GAIN = {"_target_": "asrx.augment.gain.Gain", "gain_db": [-6, 6]}
SPECAUGMENT = {"_target_": "asrx.augment.specaug.SpecAugment", "time_wdth": 3}


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        pytest.param(
            "augment.offline.stages",
            [[None, GAIN], [None, GAIN | {"gian": 3}]],
            "augment.offline.stages.1.1.gian: asrx.augment.gain.Gain takes no argument gian. "
            "Did you mean gain_db? It takes gain_db.",
            id="a list in a list",
        ),
        pytest.param(
            "augment.offline.stages",
            [[{"_target_": "asrx.augment.pixels.Pixels", "bands": 5, "modules": [SPECAUGMENT]}]],
            "augment.offline.stages.0.0.modules.0.time_wdth: asrx.augment.specaug.SpecAugment takes no argument",
            id="a list of a component in a list",
        ),
        pytest.param(
            "augment.offline.stages",
            [[{"_target_": "asrx.augment.gian.Gain"}]],
            "augment.offline.stages.0.0._target_=asrx.augment.gian.Gain: there is no module asrx.augment.gian.",
            id="a misspelt class",
        ),
        pytest.param("augment.wave", [GAIN, GAIN | {"db": 3}], "augment.wave.1.db: ", id="a plain list"),
        pytest.param(
            "trainer.callbacks",
            [{"_target_": "pytorch_lightning.callbacks.EarlyStopping", "monitor": "val/loss", "patiens": 1}],
            "trainer.callbacks.0.patiens: pytorch_lightning.callbacks.EarlyStopping takes no argument patiens. "
            "Did you mean patience?",
            id="a callback",
        ),
    ],
)
def test_a_misspelt_argument_in_a_list_is_named_with_its_path(path, value, told):
    assert refusal(path, value).startswith(told)


def test_lists_in_lists_without_a_slip_pass():
    check(changed("augment.offline.stages", [[None, GAIN], [GAIN, GAIN]]), ALLOWED)


# signatures


@pytest.mark.parametrize("target", ["torch.nn.Dropout", "torch.nn.Linear", "torchaudio.transforms.MFCC"])
def test_what_a_module_takes_over_from_another_is_found(target):
    assert signature(target).arguments


@pytest.mark.parametrize("target", ["torch.nn.Drop", "json.decoder.x.Y", "nowhere.X"])
def test_what_is_nowhere_is_said_to_be(target):
    with pytest.raises(LookupError):
        signature(target)


def test_a_class_that_no_source_shows_is_not_said_to_be_missing(tmp_path, monkeypatch):
    (tmp_path / "made.py").write_text("globals()['Made'] = type('Made', (), {})\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("ASRX_COMPONENTS", "made")
    node = {"_target_": "made.Made", "of": {"_target_": "asrx.augment.gain.Gain"}}
    check(changed("augment.wave", [node]), ALLOWED)
    assert refusal("augment.wave", [{"_target_": "made.Mad"}]).endswith("made has no Mad.")


@pytest.mark.parametrize(
    ("product", "expected"),
    [("${asrx.times:98,0.01}", 0.98), ("${asrx.times:50,100}", 5000), ("${asrx.times:${seed},0.1}", 0.3)],
)
def test_numbers_are_multiplied(product, expected):
    assert OmegaConf.create({"seed": 3, "product": product}).product == expected


@pytest.mark.parametrize(("frames", "bands", "clip"), [(98, 50, (0.98, 5000)), (33, 40, (0.33, 4000))])
def test_images_have_the_clip_and_the_rate_of_their_size(frames, bands, clip):
    dataset = compose(["dataset=images", f"dataset.frames={frames}", f"dataset.bands={bands}"]).dataset
    assert (dataset.clip.seconds, dataset.sample_rate) == clip
    assert round(dataset.clip.seconds * dataset.sample_rate) == frames * bands

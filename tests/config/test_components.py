"""What a config may name, and what is made of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from torch import nn
from torch.optim import Optimizer

from asrx.config.build import build
from asrx.config.check import check
from asrx.config.components import Function, check_package, find
from asrx.config.compose import compose
from asrx.config.signatures import signature
from asrx.features.base import Features
from asrx.search.methods import Method
from asrx.training.schedules import Schedule
from asrx.types import Corpus, Encoder, Objective, Split, UserError

ALLOWED = compose([])
INIT, SCHEDULE = Function("module", nn.Module), Function("return", Schedule)


class Keeps:
    """Keeps what it is given."""

    def __init__(self, **given):
        self.given = given


class Fails:
    def __init__(self, error: str):
        raise {"none": IndexError(), "number": KeyError(101), "words": ValueError("it has no end.\nNone.")}[error]


class Holds:
    def __init__(self, one: Keeps = None, many: Sequence[Keeps] = (), layers=None, work: Callable | None = None):
        self.one, self.many, self.layers, self.work = one, many, layers, work


def begins(module: nn.Module, value: int = 0) -> int:
    return value


def no_kind(module, value: int = 0) -> int:
    return value


@pytest.fixture
def own(monkeypatch) -> Callable[[str], str]:
    """The dotted name of something in this module, whose package the user has named."""
    monkeypatch.setenv("ASRX_COMPONENTS", f"nothing, {__name__}")
    return lambda name: f"{__name__}.{name}"


# packages

FOREIGN = [
    *("os.system", "builtins.eval", "subprocess.Popen", "shutil.rmtree", "pathlib.Path.unlink", "pathlib.Path"),
    *("distutils.spawn.spawn", "urllib.request.urlretrieve", "hydra.utils.instantiate", "webbrowser.open"),
    *("runpy.run_path", "importlib.import_module", "pickle.load", "numpy.load", "collections.OrderedDict"),
    *("torchx.hub.load", "asrx_evil.Encoder", "pytorch_lightningx.Trainer", "this.s"),
]


@pytest.mark.parametrize("target", FOREIGN)
def test_packages_that_nobody_named_are_refused_before_anything_is_imported(target):
    imported = set(sys.modules)
    for refuse in (check_package, find, lambda t: build({"_target_": t}, object)):
        with pytest.raises(
            UserError, match=f"{target} is refused: components come from asrx, torch, .*ASRX_COMPONENTS"
        ):
            refuse(target)
    assert "this" not in set(sys.modules) - imported


@pytest.mark.parametrize("target", [None, 3, "", "Dropout", "a..b", "a.", "a/b.c", "${oc.env:HOME}.x", ["os.system"]])
def test_what_is_no_dotted_name_is_refused(target):
    with pytest.raises(UserError, match="is no class: write its dotted name"):
        build({"_target_": target}, object)


def test_a_package_is_named_in_the_environment(own, monkeypatch):
    assert build({"_target_": own("Keeps")}, Keeps)
    monkeypatch.delenv("ASRX_COMPONENTS")
    with pytest.raises(UserError, match="is refused"):
        build({"_target_": own("Keeps")}, Keeps)


def test_a_package_is_named_by_an_entry_point(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("class Mine: ...\n")
    about = tmp_path / "mine-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="is refused"):
        find("mine.Mine", object)
    (about / "entry_points.txt").write_text("[asrx.components]\nmine = mine\n")
    assert find("mine.Mine", object).__name__ == "Mine"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("features", {"_target_": "os.system", "command": "true"}),
        ("augment.wave", [{"_target_": "os.system"}]),
        (
            "augment.offline.stages",
            [[None, {"_target_": "asrx.augment.pixels.Pixels", "modules": [{"_target_": "os.x"}]}]],
        ),
        ("trainer.callbacks", [{"_target_": "os.system"}]),
        ("optimizer.schedule", {"_target_": "os.system"}),
        ("model.init", {"_target_": "os.system"}),
        ("logger.x", {"_target_": "os.system"}),
    ],
)
def test_the_check_of_a_config_names_the_place(path, value):
    cfg = ALLOWED.copy()
    OmegaConf.set_struct(cfg, False)
    OmegaConf.update(cfg, path, value, merge=False)
    with pytest.raises(UserError, match=rf"^{path}[.0-9a-z]*: os\.\w+ is refused"):
        check(cfg, cfg)


# kinds

OTHERS = [
    ("torch.hub.load", (nn.Module, Encoder)),
    ("torch.hub.load", (Features,)),
    ("torch.load", (INIT,)),
    ("torch.jit.load", (nn.Module, Objective)),
    ("torch.utils.cpp_extension.load", (INIT,)),
    ("torch.utils.data.DataLoader", (Corpus,)),
    ("torch.nn.utils.prune.remove", (INIT,)),
    ("torch.nn.Dropout", (nn.Module, Encoder)),
    ("torch.optim.AdamW", (nn.Module,)),
    ("torch.optim.lr_scheduler.StepLR", (SCHEDULE,)),
    ("torchaudio.load", (nn.Module,)),
    ("asrx.search.process.call", (INIT,)),
    ("asrx.search.process.call", (SCHEDULE,)),
    ("asrx.training.run.run", (INIT,)),
    ("asrx.data.copies.shutil", (Corpus,)),
    ("asrx.search.process.import_module", (INIT,)),
    ("asrx.data.splits.random.Random", (Corpus,)),
    ("asrx.data.corpora.folder.Folder", (Split,)),
    ("asrx.models.crnn.CRNN", (Optimizer,)),
    ("asrx.models.crnn.CRNN", (Method,)),
    ("asrx.types.UserError", (Features,)),
]


@pytest.mark.parametrize(("target", "kinds"), OTHERS)
def test_what_is_of_another_kind_is_refused(target, kinds):
    with pytest.raises(UserError, match=rf"^{target} is no .*, which is what this place needs\.$"):
        find(target, *kinds)


@pytest.mark.parametrize(
    ("target", "kinds"),
    [
        ("torch.optim.SGD", (Optimizer,)),
        ("torch.nn.Dropout", (nn.Module,)),
        ("asrx.models.crnn.CRNN", (nn.Module, Encoder)),
        ("asrx.objectives.ctc.CTC", (nn.Module, Objective)),
        ("asrx.models.keras.initialise", (INIT,)),
        ("asrx.models.pretrained.load", (INIT,)),
        ("asrx.training.schedules.cosine", (SCHEDULE,)),
        ("asrx.data.corpora.folder.Folder", (Corpus,)),
        ("asrx.data.splits.random.Random", (Split,)),
        ("asrx.search.methods.TPE", ((Optimizer, Method),)),
    ],
)
def test_what_is_of_its_kind_is_found(target, kinds):
    assert find(target, *kinds).__name__ == target.rpartition(".")[2]


def test_a_function_of_the_user_s_tells_its_kind_by_annotation(own):
    assert build({"_target_": own("begins"), "value": 3}, INIT, module=nn.ModuleList()) == 3
    with pytest.raises(UserError, match=r"no_kind is no function that takes module: Module"):
        build({"_target_": own("no_kind"), "value": 3}, INIT, module=nn.ModuleList())


# components in arguments


def test_components_in_arguments_are_made_and_are_of_the_annotation_s_kind(own):
    keeps, dropout = {"_target_": own("Keeps"), "a": 1}, {"_target_": "torch.nn.Dropout"}
    made = build({"_target_": own("Holds"), "one": keeps, "many": [keeps, keeps], "layers": {"x": [dropout]}}, Holds)
    assert made.one.given == {"a": 1} and [type(one) for one in made.many] == [Keeps, Keeps]
    assert isinstance(made.layers["x"][0], nn.Dropout)


@pytest.mark.parametrize("place", ["one", "many", "layers", "work"])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x], lambda x: [[{"a": x}]]], ids=["alone", "list", "nested"])
@pytest.mark.parametrize(
    "target", ["os.system", "torch.hub.load", "asrx.search.process.call", "asrx.search.methods.Grid"]
)
def test_components_in_arguments_are_refused_alike(own, place, wrap, target):
    with pytest.raises(UserError, match=r"is refused|which is what this place needs"):
        build({"_target_": own("Holds"), place: wrap({"_target_": target})}, Holds)


@pytest.mark.parametrize("name", ["_args_", "_partial_", "_recursive_", "_convert_"])
def test_hydra_s_own_arguments_are_none_of_ours(own, name):
    with pytest.raises(UserError, match=f"Keeps: {name} is none of asrx's"):
        build({"_target_": own("Keeps"), name: []}, Keeps)


# arguments


def test_only_a_class_that_takes_it_gets_what_the_program_knows():
    lstm = {"_target_": "asrx.models.clip_lstm.ClipLSTM", "width": 3}
    cnn = {"_target_": "asrx.models.crnn.CRNN", "width": 4, "channels": [2, 2]}
    assert "in_frames" in signature(lstm["_target_"]).arguments
    assert "in_frames" not in signature(cnn["_target_"]).arguments
    for node in (lstm, cnn):
        assert build(node, Encoder, in_dim=20, in_frames=30).dim


def test_a_class_that_takes_anything_gets_all_of_it(own):
    assert build({"_target_": own("Keeps"), "a": 1}, Keeps, b=3).given == {"a": 1, "b": 3}


def test_what_the_program_knows_is_not_for_the_yaml(own):
    with pytest.raises(UserError, match="Keeps gets b from asrx: leave it out of the config"):
        build({"_target_": own("Keeps"), "a": 1, "b": 2}, Keeps, b=3)


@pytest.mark.parametrize(
    ("error", "told"),
    [("none", "IndexError"), ("number", "KeyError: 101"), ("words", "it has no end")],
)
def test_an_error_is_named_where_it_has_no_words(own, error, told):
    with pytest.raises(UserError, match=rf"Fails cannot be made: {told}\.$"):
        build({"_target_": own("Fails"), "error": error}, Fails)


def test_a_module_of_the_user_s_that_fails_is_named(tmp_path, monkeypatch):
    (Path(tmp_path) / "failing.py").write_text("raise IndexError\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("ASRX_COMPONENTS", "failing")
    with pytest.raises(UserError, match=r"failing\.X cannot be imported: IndexError"):
        find("failing.X", object)

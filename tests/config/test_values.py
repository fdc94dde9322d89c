"""Values are of the kinds that their keys take; what a command chooses adds up or is refused."""

from __future__ import annotations

import pytest

from asrx.commands.sentences import explain
from asrx.config.annotations import fits, is_plain, words
from asrx.config.check import checked
from asrx.config.compose import compose


@pytest.mark.parametrize(
    ("annotation", "fitting", "others", "told"),
    [
        ("int", [1, -3], [1.0, True, "1", None, [1]], "a whole number"),
        ("float", [1, 0.5], [True, "1", None, [1]], "a number"),
        ("bool", [True], [1, "true", None], "true or false"),
        ("str | None", ["", None], [1, ["a"]], "a text or null"),
        ("Optional[Union[int, float]]", [None, 1, 2.5], ["a", True], "a whole number or a number or null"),
        ("tuple[float, float]", [[1, 2.5]], [1, ["a", 1], None], "a list of numbers"),
        ("tuple[str, ...]", [[], ["a"]], [[1], "a"], "a list of texts"),
        ("str | Sequence[str]", ["a", ["a"]], [1, [1]], "a text or a list of texts"),
        ("Mapping[str, str]", [{"a": "b"}], [["a"], "a"], "a mapping"),
        ("'int | None'", [3, None], ["a"], "a whole number or null"),
        ("Literal['step', 'epoch']", ["step"], ["a", None], "step or epoch"),
        ("typing.List[Sequence[int]]", [[[1], []]], [[1], [["a"]]], "a list of lists"),
    ],
)
def test_what_an_annotation_says(annotation, fitting, others, told):
    assert is_plain(annotation) and words(annotation) == told
    assert all(fits(value, annotation) for value in fitting)
    assert not any(fits(value, annotation) for value in others)


@pytest.mark.parametrize("annotation", ["Any", "float | Tensor", "list[Callback]", "nn.Module", "x -> y", ""])
def test_what_an_annotation_does_not_say(annotation):
    assert not is_plain(annotation)


FOLDER = ["dataset=folder"]
STRETCH = "{_target_: asrx.augment.time_stretch.TimeStretch, sample_rate: 8000}"
WRONG = [
    (["optimizer.lr=true"], "optimizer.lr=true should be a number, such as 0.004."),
    (["optimizer.lr=[1]"], "optimizer.lr=[1] should be a number, such as 0.004."),
    (["model.encoder.width=16.0"], "model.encoder.width=16.0 should be a whole number, such as 96."),
    (["model.encoder.width=null"], "model.encoder.width=null should be a whole number, such as 96."),
    (["model.encoder.channels=[a,b]"], "channels=['a', 'b'] should be a list of whole numbers, such as [16, 32]."),
    (["features.n_mels={a: 1}"], "features.n_mels={'a': 1} should be a whole number"),
    (["features.sample_rate=${data_dir}"], "data_dir="),
    (["trainer.max_epochs=1.5"], "trainer.max_epochs=1.5 should be a whole number or null"),
    (["+trainer.accumulate_grad_batches=true"], "accumulate_grad_batches=true should be a whole number."),
    (["monitor={a: 1}"], "monitor={'a': 1} should be a text."),
    ([*FOLDER, "dataset.root={a: 1}"], "dataset.root={'a': 1} should be a text or null."),
    ([*FOLDER, "dataset.root=x", "dataset.columns={1: a}"], "dataset.columns"),
    (["dataset=manifest", "dataset.train=null"], "dataset.train=null should be a text or a list of texts."),
    (
        ["dataset=manifest", "dataset.train=x.csv", "dataset.columns={text: [a]}"],
        "columns.text=['a'] should be a text",
    ),
    (["augment=noise", "augment.wave.0.snr_db=[a,b]"], "augment.wave.0.snr_db=['a', 'b'] should be a list of numbers"),
    (["augment=noise", "augment.wave.0.snr_db=3"], "augment.wave.0.snr_db=3 should be a list of numbers"),
    (["augment.offline=3"], "augment.offline=3 should be a mapping."),
    (["augment.offline.stages=3"], "augment.offline.stages=3 should be a list"),
    (["dataset.clip=null"], "dataset.clip=null should be a mapping."),
    (["model.encoder=5"], "model.encoder is no class: choose one for model/encoder, "),
    (["~model.encoder"], "model.encoder is no class: choose one for model/encoder, "),
    (["~features._target_"], "features is no class: choose one for features, convolutions"),
    (
        ["features.sample_rate=8000"],
        "features.sample_rate=8000 is not the rate of the waveforms, dataset.sample_rate=16000",
    ),
    (
        ["augment=time_stretch", "augment.wave.0.sample_rate=8000"],
        "augment.wave.0.sample_rate=8000 is not the rate",
    ),
    (
        [f"augment.offline.stages=[[null,{STRETCH}]]"],
        "augment.offline.stages.0.1.sample_rate=8000 is not the rate",
    ),
    (["~dataset.corpus"], "dataset.corpus is no class: leave it as it was."),
    (["trainer._target_=[]"], "trainer: [] is no class: write its dotted name"),
    (["features._target_=null"], "features: None is no class: write its dotted name"),
    (["features.n_mfcc=3"], "features.n_mfcc is a key of features=mfcc, which is not chosen"),
    (["augment.folder=x"], "augment.folder is a key of augment=background_noise,reverb, which is not chosen"),
    (["~model.encoder.channels.0"], "~model.encoder.channels.0 cannot be composed (list indices must be"),
    (["seed"], """seed cannot be read (missing EQUAL at '<EOF>'): write KEY=VALUE, and a value"""),
    (["optimizer.lr=(1"], "optimizer.lr=(1 cannot be read ("),
    (["augment={_target_: asrx.augment.speed.Speed}"], "augment is a mapping, and new keys in it need a plus"),
    (["+augment._target_=asrx.augment.speed.Speed"], "asrx.augment.speed.Speed takes no argument wave."),
    (["~optimizer"], "optimizer has no choice: give one of adam, adamw, sgd."),
    (["~dataset.batch_size"], "dataset.batch_size is missing from the config: leave out what takes it away."),
    (["~trainer.callbacks"], "trainer.callbacks is missing from the config"),
    (["~seed"], "seed is missing from the config"),
    (["model=5"], "model=5: give the group one of its choices"),
    (["model=[lstm,crnn_ce]"], "model=[lstm,crnn_ce] chooses several where there can be one: give one of them."),
    (["features=[mfcc,logmel]"], "features=[mfcc,logmel] chooses several where there can be one: give one of them."),
    (["augment=[noise,speed]"], "augment=[noise,speed]: more than one of them gives augment.wave, and the last"),
    (["augment=[specaug,full]"], "augment=[specaug,full]: more than one of them gives augment.frames"),
    (["experiments=twice"], "augment=[noise,speed]: more than one of them gives augment.wave"),
]


@pytest.mark.parametrize(("overrides", "told"), WRONG, ids=[" ".join(overrides) for overrides, _ in WRONG])
def test_what_is_of_another_kind_is_refused(overrides, told, tmp_path, monkeypatch):
    own = tmp_path / "experiments"
    own.mkdir()
    (own / "twice.yaml").write_text("# @package _global_\ndefaults:\n  - override /augment: [noise, speed]\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception) as refused:
        checked(overrides)
    sentence = explain(refused.value, overrides)
    assert told in sentence and "\n" not in sentence


@pytest.mark.parametrize(
    "overrides",
    [
        ["augment=[background_noise,specaug,mixup]", "augment.folder=x"],
        ["augment=[noise]", "logger=[csv,wandb]"],
        ["augment=mixup", "augment.mixup=null", "logger.csv=null"],
        ["trainer.max_epochs=null", "+trainer.max_time=00:00:00:30", "+trainer.limit_val_batches=0.5"],
        ["optimizer.lr=1", "trainer.precision=16-mixed", "trainer.devices=[0]"],
        ["~optimizer.weight_decay", "~features.n_mels"],
    ],
)
def test_what_is_right_passes(overrides):
    checked(overrides)


def test_augmentations_of_different_lists_add_up():
    several = compose(["augment=[noise,specaug,mixup]"]).augment
    for name, key in (("noise", "wave"), ("specaug", "frames"), ("mixup", "mixup")):
        assert several[key] == compose([f"augment={name}"]).augment[key] != compose([]).augment[key]

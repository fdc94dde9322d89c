"""The command from outside: help, the printed config, and what wrong input is answered."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from subprocess import CompletedProcess

import pytest


@pytest.fixture
def asrx(monkeypatch, capsys):
    """Call the command in this process: arguments in; exit status and output, as the shell has them, out."""
    from asrx.__main__ import main

    def command(*arguments: str) -> CompletedProcess:
        monkeypatch.setattr(sys, "argv", ["asrx", *arguments])
        end = None
        try:
            main()
        except SystemExit as exit:
            end = exit.code
        out, err = capsys.readouterr()
        if isinstance(end, str):  # Python prints it
            end, err = 1, f"{err}{end}\n"
        return CompletedProcess(arguments, end or 0, out, err)

    return command


def imported(*arguments: str) -> set[str]:
    """The modules that the command imports."""
    call = f"import sys, asrx.__main__; sys.argv = {['asrx', *arguments]!r}; asrx.__main__.main(); "
    done = subprocess.run(
        [sys.executable, "-c", call + "print(*sys.modules, sep='\\n', file=sys.stderr)"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job"]], ids=["help", "the composed config"])
def test_nothing_heavy_is_imported_for(arguments):
    assert not imported(*arguments) & {"torch", "numpy", "pytorch_lightning", "torchaudio", "wandb", "hyperopt"}


def test_help_names_every_choice_with_a_line(asrx):
    from asrx.config.compose import choices, groups

    text = asrx("--help").stdout
    for group in groups():
        assert f"\n{group}=" in text
        for name, line in choices(group).items():
            assert f"  {name}" in text
            assert line in text


def test_cfg_job_prints_the_config(asrx, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = asrx("seed=3", "--cfg", "job", "model.encoder.width=64")
    assert "width: 64" in done.stdout and "seed: 3" in done.stdout
    assert not list(tmp_path.iterdir())


WRONG = [
    (["modle=crnn_ctc"], "there is no key or group modle. Did you mean model?", "a misspelt group"),
    (["model=crnn_ctcc"], "model has no choice crnn_ctcc. Did you mean crnn_ctc?", "a misspelt choice"),
    (["model/encoder=crn"], "model/encoder has no choice crn. Did you mean crnn?", "a misspelt nested choice"),
    (
        ["trainer.max_epoch=3"],
        "there is no key or group trainer.max_epoch. Did you mean trainer.max_epochs?",
        "a misspelt key",
    ),
    (
        ["+trainer.max_epoch=3"],
        "Trainer takes no argument max_epoch. Did you mean max_epochs?",
        "a misspelt key with +",
    ),
    (
        ["+model.encoder.widht=3"],
        "CRNN takes no argument widht. Did you mean width?",
        "an argument its class does not take",
    ),
    (["+sed=3"], "sed is no key of this config. Did you mean seed?", "a misspelt key at the top"),
    (["+dataset.rooot=3"], "dataset.rooot is no key of this config. Did you mean root?", "a misspelt key in a group"),
    (["trainer.log_every_n_step=1"], "Did you mean trainer.log_every_n_steps?", "a misspelt Trainer argument"),
    (["trainer.accumulate_grad_batches=2"], "write +trainer.accumulate_grad_batches=", "a Trainer argument without +"),
    (["features.sample_rte=3"], "there is no key or group features.sample_rte", "a misspelt feature key"),
    (["logger=[csv,wandb]", "+logger.wandb.projekt=x"], "Did you mean project?", "a misspelt key of a logger"),
    (["resume=a/it's"], "resume=a/it's: there is no run in that folder", "a quotation mark in a name"),
    (["resume=a, ä {1} ${x}/run"], "Hydra takes ${ in the name of a run's folder", "an interpolation in a name"),
    (['run_dir="\\${b} ä, {x}/run"'], "Hydra takes ${ in the name of a run's folder", "an escaped one"),
    (["run_dir=a, ä {1} ${x}/run"], "run_dir=a, ä {1} ${x}/run cannot be read: write", "signs that are no grammar"),
    (["resume='a"], "resume='a cannot be read: write a value with spaces", "a quotation mark without its other"),
    (["resume=nowhere"], "resume=nowhere: there is no run in that folder", "a folder without a run"),
    (
        ["resume=.", "seed=3"],
        "resume=. continues the run with the config it began with: leave out seed=3",
        "resume and more",
    ),
    (["dataset=manifest"], "dataset.train has no value yet", "a missing value"),
    (["dataset=folder"], "dataset.root", "a folder data set without a folder"),
    (["dataset=manifest", "dataset.train=none.jsonl"], "none.jsonl", "a manifest that is not there"),
    (["dataset.on_bad=ignore"], "dataset.on_bad=ignore is neither error nor skip", "a wrong policy"),
    (["search.space={seed: 1}"], "write +search.space=...", "a mapping that gets a key"),
    (["-m", "hydra/launcher=nothing"], "are extras of asrx", "a launcher that is not installed"),
    (["-m", "seed=interval(0,9)"], "needs search=random or search=tpe", "an interval without a search"),
    (["experiments=nothing"], "experiments", "an experiment that does not exist"),
    (["model.encoder.width=${nothing}"], "nothing", "an interpolation that leads nowhere"),
    (["dataset=manifest", "dataset.trian=x"], "Did you mean dataset.train?", "a misspelt key of the chosen data set"),
    (["augment=null"], "give the group one of its choices", "a group without a choice"),
    (["dataset.batch_size=null"], "dataset.batch_size=null should be a number", "nothing for a number"),
    (["seed=-1"], "seed=-1 should be a whole number from 0", "a negative seed"),
    (
        ["experiments=typo"],
        "there is no key or group datset. Did you mean dataset?",
        "a misspelt group in an experiment",
    ),
    (["experiments=broken"], "while parsing", "an experiment that is no YAML"),
    (["seed"], "a change to the config is KEY=VALUE", "an override without a value"),
    (["Transcrib", "RUN"], "there is no command Transcrib. Did you mean transcribe?", "a misspelt command"),
    (["help"], "there is no command help. The commands are compare,", "a command that there is not"),
    (["+trainer.callbacks.x=3"], "a list, as trainer.callbacks may be, is given whole", "a name within a list"),
    (["run_dir=/proc/x"], "/proc/x: No such file or directory: name another place", "a folder that cannot be made"),
    (["run_dir=config.yaml"], "Not a directory: name another place", "a file for a folder"),
    (
        ["trainer.max_epochs=abc"],
        "trainer.max_epochs=abc should be a whole number or null, such as 8",
        "a word for a number",
    ),
    (["augment.wave=null"], "augment.wave=null should be a list", "no list"),
    (
        ["model.encoder.channels=8"],
        "channels=8 should be a list of whole numbers, such as [16, 32]",
        "a number for a list",
    ),
    (["model.objective.lowercase=3"], "lowercase=3 should be true or false", "a number for a switch"),
    (
        ["features._target_=asrx.features.logmell.LogMel"],
        "there is no module asrx.features.logmell",
        "a misspelt class",
    ),
]


@pytest.mark.parametrize(("arguments", "answer"), [w[:2] for w in WRONG], ids=[w[2] for w in WRONG])
def test_wrong_input_gets_one_sentence(asrx, arguments, answer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").touch()
    own = tmp_path / "experiments"
    own.mkdir()
    (own / "typo.yaml").write_text("# @package _global_\ndefaults:\n  - override /datset: fsdd\n")
    (own / "broken.yaml").write_text("# @package _global_\ntrainer: {max_epochs: 3\n")
    data = [] if "resume" in arguments[0] else [f"data_dir={tmp_path}"]
    done = asrx(*arguments, *data)
    assert not (tmp_path / "nowhere").exists()
    assert done.returncode == 1
    assert answer in done.stderr
    assert done.stderr.startswith("asrx: ")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not any((tmp_path / "runs").glob("*")), "a folder without a run"


@pytest.mark.parametrize(
    ("corpus", "wrong", "answer"),
    [
        ("FSDD", "features=image", "choose dataset=images"),
        ("FSDD", "dataset.clip.seconds=abc", "dataset.clip.seconds=abc should be a number"),
        ("FSDD", "model.init=foo", "foo stands where the config needs a class"),
        ("FSDD", "augment.offline.stages=[[speed]]", "speed stands where the config needs a class"),
        ("FSDD", "features.n_mels=0", "features: asrx.features.logmel.LogMel does not work"),
        ("ImageFolder", "features=logmel", "LogMel is for sound, and this dataset has pixels: choose features=image"),
        ("ImageFolder", "augment=speed", "augment.wave is for sound"),
        ("ImageFolder", "augment.test={_target_:asrx.augment.test_time.Speeds}", "augment.test is for sound"),
    ],
)
def test_parts_that_do_not_fit_get_one_sentence(launch, miniatures, corpus, wrong, answer):
    data = {"FSDD": ["dataset=fsdd"], "ImageFolder": ["dataset=images", "features=image"]}[corpus]
    with pytest.raises(SystemExit, match=answer):
        launch(*data, f"dataset.root={miniatures / corpus}", f"data_dir={miniatures}", "model=cnn", wrong)


def test_other_commands_go_by_their_names(asrx):
    call = [sys.executable, "-m", "asrx", "compare", "nowhere"]
    run = subprocess.run(call, capture_output=True, text=True)  # in a process of its own, once
    assert run.returncode == 1 and run.stderr.startswith("asrx: nowhere is no run folder and no sweep folder")
    assert len(run.stderr.splitlines()) == 1
    assert "--snr" in asrx("evaluate", "--help").stdout


@pytest.mark.parametrize("verb", ["compare", "evaluate", "results", "transcribe", "prune"])
def test_a_command_without_arguments_says_what_it_needs(asrx, verb):
    run = asrx(verb)
    assert run.returncode == 1 and len(run.stderr.splitlines()) == 1
    assert run.stderr.startswith("asrx: the following arguments are required: ")
    assert f"python -m asrx {verb} --help" in run.stderr and ", KEY=VALUE" not in run.stderr


def test_the_version_is_asrx_s(asrx):
    assert asrx("--version").stdout == f"asrx {version('asrx')}\n"

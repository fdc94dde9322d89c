"""A YAML file changes no setting of Hydra's."""

from __future__ import annotations

from pathlib import Path

import pytest

from asrx.config.hydra_settings import check_hydra
from asrx.types import UserError

FILES = {
    "experiments/callback.yaml": "# @package _global_\nhydra:\n  callbacks:\n    x: {_target_: subprocess.Popen}\n",
    "experiments/handler.yaml": "# @package _global_\nhydra: {job_logging: {handlers: {file: {(): os.system}}}}\n",
    "experiments/environment.yaml": "# @package hydra.job.env_set\nPATH: here\n",
    "experiments/launcher.yaml": "# @package _global_\ndefaults:\n  - override /hydra/launcher: own\n",
    "experiments/moved.yaml": "# @package _global_\ndefaults:\n  - inner@hydra.callbacks.x\n",
    "experiments/heir.yaml": "# @package _global_\ndefaults:\n  - callback\n",
    "experiments/inner.yaml": "_target_: subprocess.Popen\n",
    "experiments/harmless.yaml": (
        "# @package _global_\ndefaults:\n  - override /hydra/launcher: joblib\n  - override /search: grid\nseed: 3\n"
    ),
    "hydra/launcher/own.yaml": "_target_: os.system\n",
    "search/own.yaml": "# @package _global_\nhydra: {sweeper: {_target_: os.system}}\n",
    "new/one.yaml": "# @package _global_\nhydra: {callbacks: {x: {_target_: os.system}}}\n",
}


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    for name, text in FILES.items():
        Path(tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Path(tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (["experiments=callback"], "hydra.callbacks.x"),
        (["experiments=handler", "seed=3"], "hydra.job_logging.handlers.file"),
        (["experiments=environment"], "hydra.job.env_set.PATH"),
        (["experiments=moved"], "hydra.callbacks.x"),
        (["experiments=heir"], "hydra.callbacks.x"),
        (["experiments=heir", "+hydra.callbacks.y=1"], "hydra.callbacks.x"),
        (["search=own"], "hydra.sweeper"),
        (["+new=one"], "hydra.callbacks.x"),
        (["-m", "experiments=harmless,environment", "seed=interval(0,3)"], "hydra.job.env_set.PATH"),
    ],
)
def test_what_a_file_changes_is_refused(arguments, key):
    with pytest.raises(UserError, match=rf"^{key}\S* is a setting of Hydra's, which only the command line may change"):
        check_hydra(arguments)


@pytest.mark.parametrize("chosen", [["experiments=launcher"], ["hydra/launcher=own"]])
def test_a_launcher_of_one_s_own_is_none(chosen):
    with pytest.raises(Exception, match="hydra/launcher/own"):
        check_hydra(chosen)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["experiments=harmless"],
        ["-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "seed=1,2", "model=lstm,cnn"],
        ["hydra.run.dir=x", "+hydra.job.env_set.X=1", "run_dir=y"],
        ["experiments=digits_mel", "--cfg", "job"],
    ],
)
def test_what_the_command_line_changes_is_not(arguments):
    check_hydra(arguments)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--nothing", "seed=1"], "unrecognized arguments: --nothing"),
        (["--cfg", "seed=1"], "argument --cfg/-c: invalid choice: 'seed=1'"),
    ],
)
def test_options_that_hydra_does_not_have_are_refused_in_a_sentence(arguments, told):
    with pytest.raises(UserError, match=rf"^{told}.*: see python -m asrx --help\.$"):
        check_hydra(arguments)


@pytest.mark.parametrize("option", ["-cd", "--config-dir", "--config-path=x", "-cn", "--experimental-rerun"])
def test_other_folders_of_configs_are_refused(option):
    with pytest.raises(UserError, match=r"is none of asrx.s: your own YAML files are found in GROUP"):
        check_hydra([option, "x"])

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# more threads only fight over two busy cores
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
REPO = Path(__file__).parents[1]
sys.path.insert(0, str(REPO / "tests"))


@pytest.fixture(autouse=True)
def no_logs_into_folders_that_are_gone():
    """Hydra lets everything be logged into the folder of a run, also after the test that made it."""
    before = list(logging.root.handlers)
    yield
    for handler in set(logging.root.handlers) - set(before):
        logging.root.removeHandler(handler)
        handler.close()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real recordings, which do not ship with asrx."""
    folder = Path(os.environ.get("ASRX_TEST_DATA", REPO.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the real recordings are not at {folder}; ASRX_TEST_DATA=FOLDER says where they are")
    return folder


@pytest.fixture(scope="session")
def tones(tmp_path_factory) -> list[str]:
    """Overrides that choose a small corpus of tones: transcripts."""
    from corpus import sentences, write_manifest

    folder = tmp_path_factory.mktemp("tones")
    parts = {"train": (48, 1), "val": (12, 2), "test": (12, 3)}
    paths = {name: write_manifest(folder, sentences(count, seed), name, seed) for name, (count, seed) in parts.items()}
    return [
        "dataset=manifest",
        *(f"dataset.{name}={path}" for name, path in paths.items()),
        "dataset.sample_rate=8000",
        f"data_dir={folder}/data",
        "features.n_mels=20",
    ]


@pytest.fixture(scope="session")
def trained_run(tones, tmp_path_factory) -> Path:
    """The folder of a run that was trained for a moment: transcripts of tones, most of them wrong."""
    from asrx.config.check import checked
    from asrx.training.run import run as train

    folder = tmp_path_factory.mktemp("trained")
    short = ["model.encoder.width=32", "trainer.max_epochs=40", "dataset.batch_size=8", "trainer=cpu"]
    overrides = [*tones, *short, "optimizer.lr=0.01", "trainer.enable_progress_bar=false"]
    train(checked(overrides), folder, overrides)
    return folder


@pytest.fixture(scope="session")
def tone_labels(tmp_path_factory) -> list[str]:
    """Overrides that choose a small corpus of tones: two labels."""
    from corpus import labels, write_manifest

    folder = tmp_path_factory.mktemp("tone_labels")
    parts = {"train": 24, "val": 8, "test": 8}
    paths = {name: write_manifest(folder, labels(count), name) for name, count in parts.items()}
    return [
        "dataset=manifest",
        *(f"dataset.{name}={path}" for name, path in paths.items()),
        "dataset.sample_rate=8000",
        f"data_dir={folder}/data",
        "model=crnn_ce",
        "features.n_mels=20",
    ]


@pytest.fixture(scope="session")
def miniatures(tmp_path_factory) -> Path:
    """A folder of small made-up corpora, each in the layout of the real one, by the name of its class."""
    from corpus import MINIATURES

    folder = tmp_path_factory.mktemp("miniatures")
    for name, make in MINIATURES.items():
        make(folder / name)
    return folder


@pytest.fixture(scope="session")
def mixtures(tmp_path_factory) -> list[str]:
    """Overrides that choose mixtures of tones and noises."""
    from mixtures import write_noises, write_speech

    folder = tmp_path_factory.mktemp("mixtures")
    return [*write_speech(folder), *write_noises(folder)]


@pytest.fixture(scope="session")
def denoiser(mixtures, run_of) -> Path:
    """The folder of a run that was trained for a moment to clean tones of noise."""
    from mixtures import UNET

    return run_of(*mixtures, *UNET)


@pytest.fixture
def launch(tmp_path):
    """Call the command in this process: overrides in, run folder out."""
    from calls import call

    def command(*overrides: str, folder: str = "run") -> Path:
        run = tmp_path / folder
        call(*overrides, *([] if any(o.startswith("resume=") for o in overrides) else [f"hydra.run.dir={run}"]))
        return run

    return command


@pytest.fixture(scope="session")
def run_of(tmp_path_factory) -> Callable[..., Path]:
    """The folder of a run by these overrides, trained once for all tests that ask for it: they leave it as it is."""
    from calls import call

    runs: dict[tuple[str, ...], Path] = {}

    def command(*overrides: str) -> Path:
        if overrides not in runs:
            folder = tmp_path_factory.mktemp("runs") / "run"
            call(*overrides, f"hydra.run.dir={folder}")
            runs[overrides] = folder
        return runs[overrides]

    return command


@pytest.fixture
def copy_of(run_of, tmp_path) -> Callable[..., Path]:
    """As `run_of`, but a copy that the test may change."""

    def command(*overrides: str, folder: str = "run") -> Path:
        return shutil.copytree(run_of(*overrides), tmp_path / folder)

    return command

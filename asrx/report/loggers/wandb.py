"""Weights & Biases."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.loggers.logger import rank_zero_experiment
from pytorch_lightning.utilities import rank_zero_only

from asrx.report.errors import KINDS, Judged, confusion, judge, kind_of
from asrx.report.folder import Prediction, read_run
from asrx.report.loggers import MAX_ROWS
from asrx.types import UserError, reason

SECONDS = 20  # for the server to begin a run, and three times as many to take the rest of it


class Wandb(WandbLogger):
    """A Weights & Biases run with all its files in `wandb/` of the run folder; a resumed folder continues its run.

    Offline runs are uploaded later with `wandb sync`. The API key stays with wandb (environment or netrc).

    Args:
        folder: the run folder; its config.yaml is read when the first value is logged.
        project: the W&B project.
        name: the name of the W&B run; the run folder's name if None.
        mode: online, offline, or auto: online when an API key is known and the server takes it within 3 s. What the
            environment (WANDB_MODE) or `wandb offline` forbids is obeyed whatever is said here.

    Raises:
        UserError: the mode is none of these, or it is online and the server cannot be logged to.
    """

    def __init__(self, folder: Path, project: str = "asrx", name: str | None = None, mode: str = "auto") -> None:
        if mode not in ("auto", "online", "offline"):
            raise UserError(f"logger.wandb.mode is {mode!r}; choose auto, online or offline.")
        self.insists, mode = mode == "online", _choose_mode(mode, Path(folder))
        import wandb

        self.folder = Path(folder).resolve()
        self.lost = False  # whether W&B has failed, so that nothing more is given to it
        # wandb would keep what it stages for upload in the home directory
        files = self.folder / "wandb"
        os.environ |= {"WANDB_DATA_DIR": str(files), "WANDB_CACHE_DIR": str(files / "cache")}
        super().__init__(
            name=name,
            save_dir=self.folder,
            project=project,
            mode=mode,
            # the run folder has the terminal's story and the commit; a diff of the user's tree could hold secrets
            settings=wandb.Settings(
                console="off",
                disable_git=True,
                save_code=False,
                silent=mode != "online",
                init_timeout=SECONDS,
                finish_timeout=3 * SECONDS,
                finish_timeout_raises=True,
            ),
        )
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # W&B's figures about itself
        # Lightning always passes it, and wandb warns of it
        del self._wandb_init["anonymous"]

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The W&B run, started at first use with the resolved config; of a sweep's trial, in the sweep's group."""
        if self._experiment is None:
            self._start("config.yaml")
        return self._experiment

    def _start(self, file: str) -> None:
        import wandb
        import yaml

        config = yaml.safe_load((self.folder / file).read_text(encoding="utf-8"))
        trial = config.get("search") or {}
        name = self.folder.name
        if "sweep" in trial:
            name = f"{trial['trial']:03}_{name}"
            self._wandb_init["group"] = trial["sweep"]
        self._wandb_init["name"] = self._wandb_init["name"] or name
        self._wandb_init["id"] = self._id = _run_id(self.folder / "wandb" / "run_id")
        try:
            with _stderr_into(self.folder / "wandb" / "core.log"):
                wandb.setup()  # starts a process, which would show its own traces
            super().experiment.config.update(config, allow_val_change=True)
        except Exception as error:  # wandb raises many kinds
            if self.insists or self._wandb_init["mode"] != "online":
                raise UserError(f"logger.wandb cannot begin: {reason(error)}.") from error
            _tell_offline(reason(error), self.folder)
            self._wandb_init["mode"] = "offline"
            self._start(file)

    @contextmanager
    def _at_its_own_risk(self) -> Iterator[None]:
        """What W&B cannot do is told once, and ends no run."""
        try:
            yield
        except UserError:
            raise
        except Exception as error:  # wandb raises many kinds
            self.lost = True
            print(f"W&B failed ({reason(error)}); what it was given is here: wandb sync {self.folder}/wandb/latest-run")

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        if not self.lost:
            with self._at_its_own_risk():
                super().log_metrics(metrics, step)

    @rank_zero_only
    def log_sweep(self) -> None:
        """Adds the ledger of a sweep as a table, in a W&B run of the sweep's group; `folder` is the sweep's.

        Raises:
            UserError: the ledger cannot be read.
        """
        import wandb

        from asrx.report.sweep import read_sweep

        sweep = read_sweep(self.folder)
        self._wandb_init |= {"group": self.folder.name, "job_type": "sweep"}
        self._start("search.yaml")
        keys = list(dict.fromkeys(key for trial in sweep.trials for key in trial.params))
        columns = ["trial", "state", "score", "steps", "seconds", "reason", *keys]
        rows = [
            [trial.number, trial.state, trial.score, trial.steps, trial.seconds, trial.reason]
            + [trial.params.get(key) for key in keys]
            for trial in sweep.trials
        ]
        with self._at_its_own_risk():
            self._experiment.log({"ledger": wandb.Table(columns=columns, data=rows, allow_mixed_types=True)})
            self._experiment.finish()

    @rank_zero_only
    def log_results(self, folder: Path, pipeline: torch.nn.Module, example: tuple[torch.Tensor, torch.Tensor]) -> None:
        """Adds the test metrics to the summary, a table of the test set, its errors, and ends the W&B run.

        Raises:
            UserError: the run folder is incomplete.
        """
        run = read_run(folder)
        kind = kind_of(run)
        with self._at_its_own_risk():
            self.experiment.summary.update(run.figures())
            if run.predictions:
                judged = judge(kind, run.predictions)
                tables = {"test/predictions": _prediction_table(judged), **_ERRORS[run.metrics["kind"]](judged)}
                self.experiment.log(tables)
            self.experiment.finish()


@contextmanager
def _stderr_into(path: Path) -> Iterator[None]:
    """Let processes that are started meanwhile write their errors into a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before, file = os.dup(2), os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(file)


def _prediction_table(judged: Sequence[Judged]) -> Any:
    import wandb

    columns = ["id", "speaker", "reference", "hypothesis", "errors", "score", "audio"]
    # worst first and no more than MAX_ROWS: the audio of a whole test set would take longer than the test
    rows = [
        [one.id, one.speaker, one.reference, one.hypothesis, item.errors, one.score, _audio(one)]
        for item in judged[:MAX_ROWS]
        for one in [item.prediction]
    ]
    return wandb.Table(columns=columns, data=rows)


def _audio(prediction: Prediction) -> Any:
    import wandb

    from asrx.report.audio import read_clip

    try:
        clip = read_clip(prediction)
    except UserError:
        # the report names the file; the row stands without its player
        return None
    return wandb.Audio(clip.wave, sample_rate=clip.rate)


def _error_table(judged: Sequence[Judged]) -> dict[str, Any]:
    import wandb

    columns, rows = KINDS["error_rate"].table(judged)
    return {"test/errors": wandb.Table(columns=columns, data=rows[:MAX_ROWS])}


def _confusion_plot(judged: Sequence[Judged]) -> dict[str, Any]:
    import wandb

    labels = confusion(judged).labels
    place = {label: index for index, label in enumerate(labels)}
    plot = wandb.plot.confusion_matrix(
        y_true=[place[one.prediction.reference] for one in judged],
        preds=[place[one.prediction.hypothesis] for one in judged],
        class_names=labels,
    )
    return {"test/confusion": plot}


_ERRORS = {"error_rate": _error_table, "classification": _confusion_plot}


def _run_id(path: Path) -> str:
    """The W&B id of a run folder, made at its first use, so that resuming the folder continues the same W&B run."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.token_hex(4), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def _choose_mode(mode: str, folder: Path) -> str:
    """What wandb is told; the environment's WANDB_MODE has the last word on what leaves the machine.

    Raises:
        UserError: see `Wandb`.
    """
    allowed = _allowed()
    if "offline" in (allowed, mode) or allowed == "disabled":
        return "disabled" if allowed == "disabled" else "offline"
    trouble = _trouble()
    if not trouble:
        return "online"
    if mode == "online":
        raise UserError(f"logger.wandb.mode is online, but {trouble}: mend that, or choose logger.wandb.mode=offline.")
    _tell_offline(trouble, folder)
    return "offline"


@rank_zero_only
def _tell_offline(why: str, folder: Path) -> None:
    print(f"W&B logs offline ({why}); upload later with: wandb sync {folder}/wandb/offline-run-*")


def _allowed() -> str:
    """What the environment and wandb's own files of settings let a run do: online, offline or disabled.

    Raises:
        UserError: they say something else.
    """
    import wandb

    settings = wandb.Settings()
    settings.update_from_system_settings()
    try:
        settings.update_from_env_vars(dict(os.environ))
    except ValueError as error:
        raise UserError(f"WANDB_* in the environment: {' '.join(str(error).split())}.") from error
    return {"dryrun": "offline"}.get(settings.mode, settings.mode)


def _trouble() -> str:
    """Why nothing can be logged online; empty where it can."""
    if not _key():
        return "no API key is known, set WANDB_API_KEY or run `wandb login`"
    status = _status(_server())
    if status is None:
        return f"{_server()} cannot be reached"
    if status in (401, 403):
        return f"{_server()} refuses the API key ({status})"
    return f"{_server()} answers {status}" if status >= 400 else ""


def _server() -> str:
    return os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")


def _key() -> str | None:
    from requests.utils import get_netrc_auth

    return os.environ.get("WANDB_API_KEY") or (get_netrc_auth(_server()) or (None, None))[1]


def _status(url: str, seconds: float = 3.0) -> int | None:
    """What a server says to the question who asks, None if nothing. The thread is left behind when it hangs: looking up
    a name has no timeout."""
    import requests

    answers = []

    def ask() -> None:
        question = {"query": "query { viewer { id } }"}
        with suppress(requests.RequestException):
            answer = requests.post(f"{url}/graphql", json=question, auth=("api", _key()), timeout=seconds)
            answers.append(answer.status_code)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else None

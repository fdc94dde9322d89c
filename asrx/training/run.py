"""One experiment, from the composed config to the report."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from omegaconf import DictConfig

from asrx.checkpoint import read_checkpoint
from asrx.config.build import build
from asrx.config.digest import digest
from asrx.config.saved import is_place, own_overrides
from asrx.config.values import check_words
from asrx.data.fingerprint import described, fingerprint, settings
from asrx.data.prepare import Prepared, prepare
from asrx.report.files import read_json
from asrx.report.terminal import resuming
from asrx.training.ancestry import check_unheard, heard_before
from asrx.training.ranks import is_first
from asrx.training.stopwatch import Stopwatch
from asrx.training.threads import Others, share
from asrx.types import SPLITS, Hypothesis, ResultLogger, UserError

if TYPE_CHECKING:
    from pytorch_lightning import Callback, Trainer

    from asrx.data.module import DataModule
    from asrx.training.callbacks.checkpoints import Checkpoints
    from asrx.training.callbacks.interrupt import Interrupt
    from asrx.training.passes import Explained
    from asrx.training.system import System


def run(cfg: DictConfig, folder: Path, overrides: Sequence[str], callbacks: Sequence[Callback] = ()) -> float | None:
    """Prepare, train, test and report.

    Args:
        cfg: the composed config, checked.
        folder: where the run's files go.
        overrides: those that the config was composed of.
        callbacks: more of them, in front of those that write checkpoints.

    Returns:
        the best value of the monitored validation metric; None when the run was interrupted.

    Raises:
        UserError: the config or the data cannot be used; nothing was trained.
    """
    _check(cfg, folder)
    stopwatch, others = Stopwatch(), Others()
    with stopwatch("prepare"):
        prepared = prepare(cfg)
    before = heard_before(cfg)
    check_unheard(cfg, prepared, before)

    # only now: importing these takes longer than all checks before them
    import torch
    from pytorch_lightning.loggers import Logger

    from asrx.report.files import write_json, write_predictions
    from asrx.report.folder import PREDICTIONS
    from asrx.report.run.page import write_report
    from asrx.report.terminal import summary
    from asrx.training.assembly import assemble, data_of
    from asrx.training.callbacks.checkpoints import Checkpoints
    from asrx.training.callbacks.interrupt import Interrupt
    from asrx.training.monitored import monitored
    from asrx.training.trainer import make_trainer

    _quieten()
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(_threads(cfg, folder, others))
    torch.manual_seed(cfg.seed)
    system = assemble(cfg, [u.text for u in prepared.utterances if u.split == "train"], stopwatch)
    with stopwatch("prepare"):
        bad = folder / "bad_utterances.jsonl"
        data = data_of(cfg, prepared, system.pipeline.objective, system.pipeline.out_len, bad, system.shortening)
        _fit_features(system, data)
    if is_first():
        heard = {split: _made_of(prepared, data, split) for split in SPLITS}
        _begin(cfg, folder, overrides, prepared, heard | {"train": heard["train"].union(*before.values())})
        print(f"{sum(p.numel() for p in system.parameters()):,} parameters; run folder {folder}")

    loggers = [build(node, Logger, ResultLogger, folder=folder) for node in cfg.logger.values() if node]
    monitor, mode = monitored(cfg, system.pipeline.objective)
    checkpoints = Checkpoints(folder, monitor, mode)
    interrupt = Interrupt(checkpoints)
    trainer = make_trainer(cfg, folder, loggers, _callbacks(cfg, folder, stopwatch, checkpoints, interrupt, callbacks))
    results = _train_and_test(cfg, trainer, system, data, checkpoints, interrupt, stopwatch)
    predictions = sorted(system.all_predictions(), key=itemgetter(0)) if results["test"] else []
    if is_first():
        if results["test"]:
            part, found = cfg.test_part, {}
            if "trial" not in cfg.search and system.pipeline.objective.writes:
                results |= _calibrated(system, data, checkpoints)
                found = _explained(folder, system, data, part, predictions)
                _doubted(folder, system, data)
            write_predictions(folder / PREDICTIONS, data.utterances[part], data.recordings(part), predictions, found)
        write_json(folder / "metrics.json", results | _facts(system, data, checkpoints, stopwatch))
        write_report(folder)
        for logger in loggers:
            logger.log_results(folder, system.pipeline.cpu().eval(), data.example("train"))
        print(summary(results | {"seconds": dict(stopwatch.seconds)}, folder))
    return checkpoints.best[monitor] if results["state"] == "finished" else None


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """See that nobody else trains in a run folder meanwhile; the system frees the lock of a process that died.

    Raises:
        UserError: somebody does.
    """
    if not is_first():
        yield
        return
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(f"{folder}: another process is at work on that run: wait for it, or stop it first.") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def left_empty(folder: Path) -> Iterator[None]:
    """Remove a folder that is left, by an error, with nothing but the lock and the empty log that Hydra made."""
    try:
        yield
    except Exception:
        with suppress(OSError):
            left = list(folder.iterdir())
            if {path.name for path in left} <= {"asrx.log", "lock"} and not any(path.stat().st_size for path in left):
                for path in left:
                    path.unlink()
                folder.rmdir()
        raise


def _check(cfg: DictConfig, folder: Path) -> None:
    if cfg.resume is None and is_first() and (folder / "config.yaml").exists():
        raise UserError(f"{folder} holds a run already: continue it with {resuming(folder)}, or name another folder.")
    if not isinstance(cfg.seed, int) or cfg.seed < 0:
        raise UserError(f"seed={cfg.seed} should be a whole number from 0.")
    check_words(cfg)


def _threads(cfg: DictConfig, folder: Path, others: Others) -> int:
    """As many as there are cores to spare; a run that goes on keeps the number, on which the last digits depend."""
    kept = read_json(folder / "environment.json").get("threads") if cfg.resume else None
    return kept or share(others.cores())


def _fit_features(system: System, data: DataModule) -> None:
    """Let features that are normalised over the corpus see the training part."""
    pipeline = system.pipeline
    if pipeline.features.normalize == "corpus":
        batches = data.loader("train", None)
        pipeline.features.fit(pipeline.heard(batch.wave_BT, batch.lengths_B) for batch in batches)


def _made_of(prepared: Prepared, data: DataModule, split: str) -> set[int]:
    """The sources of what is left of a split after the checks."""
    return {source for place in data.places[split].tolist() for source in prepared.made_of[place]}


def _begin(
    cfg: DictConfig, folder: Path, overrides: Sequence[str], prepared: Prepared, recordings: dict[str, set[int]]
) -> None:
    """Write what a run is begun with, or see that one that goes on has the data it began with."""
    from asrx.report.files import read_run_id, write_config, write_environment, write_recordings

    data = described(cfg, prepared)
    run_id = digest(cfg, data)
    if cfg.resume is None:
        write_environment(folder, run_id, fingerprint(data), settings(cfg))
        write_recordings(folder, recordings)
        write_config(folder, cfg, overrides)  # last: a folder with it can be resumed
        return
    if run_id != read_run_id(folder):
        raise UserError(f"resume={folder}: the data is not what it was when the run began; start a new run.")
    own = own_overrides(folder)
    moved = [override for override in overrides if is_place(override) and override not in own]
    if moved:
        write_config(folder, cfg, [*own, *moved])


def _callbacks(
    cfg: DictConfig,
    folder: Path,
    stopwatch: Stopwatch,
    checkpoints: Checkpoints,
    interrupt: Interrupt,
    more: Sequence[Callback],
) -> list[Callback]:
    """In the order in which they are asked: what is in a checkpoint must be known when it is written."""
    from pytorch_lightning import Callback
    from pytorch_lightning.callbacks import BatchSizeFinder, LearningRateFinder

    from asrx.training.callbacks.history import History
    from asrx.training.callbacks.last_step import LastStep
    from asrx.training.callbacks.progress import Progress
    from asrx.training.callbacks.timing import Timing

    bar = [Progress(checkpoints.monitor, cfg.dataset.sample_rate)] if cfg.trainer.enable_progress_bar else []
    own = [build(node, Callback) for node in cfg.trainer.callbacks]
    if finder := next(
        (callback for callback in own if isinstance(callback, LearningRateFinder | BatchSizeFinder)), None
    ):
        raise UserError(
            f"trainer.callbacks: {type(finder).__name__} trains on trial before the run, in steps that its schedule "
            "counts: search for the value instead, python -m asrx -m search=tpe."
        )
    average = cfg.optimizer.get("average")  # runs of earlier versions do not have it
    mode = "max" if checkpoints.sign > 0 else "min"
    averaging = [build(average, Callback, monitor=checkpoints.monitor, mode=mode)] if average else []
    return [*bar, Timing(stopwatch), History(folder), LastStep(), *averaging, interrupt, *more, checkpoints, *own]


def _train_and_test(
    cfg: DictConfig,
    trainer: Trainer,
    system: System,
    data: DataModule,
    checkpoints: Checkpoints,
    interrupt: Interrupt,
    stopwatch: Stopwatch,
) -> dict[str, Any]:
    """What metrics.json says of how the run ended."""
    import torch

    from asrx.training.callbacks.interrupt import Interrupted
    from asrx.training.callbacks.prune import Pruned

    results = {"kind": system.pipeline.objective.metrics().kind, "part": cfg.test_part, "test": None}
    resume_from = _whole_checkpoint(checkpoints) if cfg.resume else None
    try:
        trainer.fit(system, data, ckpt_path=resume_from, weights_only=True)
        if interrupt.asked:
            raise Interrupted
        if checkpoints.best is None:
            raise UserError(
                "Training ended before its first validation, which chooses the checkpoint to test: allow more with "
                f"trainer.max_steps or trainer.max_time ({checkpoints.best_path.parent})."
            )
        _settle_average(trainer, system, data, checkpoints, stopwatch)
        with stopwatch("test"):
            if cfg.tested == "best":
                # the weights alone: with ckpt_path the callbacks would go back to what they knew at the best epoch
                system.load_state_dict(torch.load(checkpoints.best_path, "cpu", weights_only=True)["state_dict"])
            trainer.test(system, data.loader(cfg.test_part, None), verbose=False)
    except (Interrupted, SystemExit):  # Lightning turns a second Ctrl-C, or one during the test, into SystemExit
        return results | {"state": "interrupted"}
    except Pruned as reason:
        return results | {"state": "pruned", "reason": str(reason)}
    test = {k.removeprefix("test/"): v for k, v in system.results.items() if k.startswith("test/")}
    return results | {"state": "finished", "test": test}


def _settle_average(
    trainer: Trainer, system: System, data: DataModule, checkpoints: Checkpoints, stopwatch: Stopwatch
) -> None:
    """Validate the mean of the best weights, where they are kept; best.ckpt has it where it is no worse.

    A run that was killed in here or later does so again, with the same outcome.
    """
    from asrx.training.callbacks.averaging import BestEpochs

    average = next((callback for callback in trainer.callbacks if isinstance(callback, BestEpochs)), None)
    if average is None or not average.kept:  # none after going on from a best.ckpt that was settled before
        return
    weights, monitor, alone = average.mean(), checkpoints.monitor, checkpoints.best[checkpoints.monitor]
    with stopwatch("validation"):
        system.load_state_dict(weights)
        trainer.test(system, data.val_dataloader(), verbose=False)
    value = system.results[monitor.replace("val/", "test/", 1)]
    better = checkpoints.sign * (value - alone) >= 0
    if is_first():
        epochs = ", ".join(str(kept.epoch) for kept in sorted(average.kept, key=lambda kept: kept.epoch))
        told = "it is what counts" if better else "which stays"
        print(f"Mean of the weights after epochs {epochs}: {monitor} {value:.4f}; the best alone {alone:.4f}: {told}.")
        checkpoints.settle(weights if better else None, average.state_key)
    if better:
        checkpoints.best = checkpoints.best | {monitor: value}


def _calibrated(system: System, data: DataModule, checkpoints: Checkpoints) -> dict[str, Any]:
    """What metrics.json says of confidences; their temperature goes into the checkpoints."""
    from asrx.training.calibration import calibrate

    found = calibrate(system.pipeline.cpu().eval(), data.val_dataloader())
    if found is None:
        return {}
    checkpoints.note(temperature=found.temperature)
    return {"calibration": found._asdict()}


def _explained(
    folder: Path, system: System, data: DataModule, part: str, predictions: Sequence[tuple[int, str, Hypothesis]]
) -> dict[int, Explained]:
    """How sure the answers are, and where their words lie. What the recordings are like is kept beside (images are not
    like anything)."""
    from asrx.training.passes import explained
    from asrx.training.reference import profile
    from asrx.watching.profile import write_profile

    texts = {place: hypothesis.text for place, _, hypothesis in predictions}
    found = explained(system.pipeline.cpu().eval(), data, part, texts)
    if system.pipeline.features.of_sound:
        write_profile(folder, profile(data, part, texts, found))
    return found


def _doubted(folder: Path, system: System, data: DataModule) -> None:
    """Keep which transcripts of the training part are probably wrong; a model that was not shown all of them in an
    epoch cannot say."""
    from asrx.report.files import write_predictions
    from asrx.report.folder import DOUBTFUL
    from asrx.training.doubtful import doubtful

    if system.trainer.num_training_batches < len(data.training):
        return
    found = doubtful(system.pipeline.cpu().eval(), data)
    write_predictions(folder / DOUBTFUL, data.utterances["train"], data.recordings("train"), found)


def _whole_checkpoint(checkpoints: Checkpoints) -> Path | None:
    """The latest that can be read; None where the run was stopped before its first.

    Raises:
        UserError: none can, or the one to test is gone.
    """
    last, best = checkpoints.last_path, checkpoints.best_path
    if last.exists():
        try:
            validated = read_checkpoint(last)["callbacks"][checkpoints.state_key]["best"]
        except UserError as error:
            if not best.exists():
                raise
            print(f"{error} Going on from {best}, which is older.")
        else:
            if validated:
                read_checkpoint(best)  # now, not when all is trained
            return last
    if not best.exists():
        return None
    read_checkpoint(best)
    return best


def _facts(system: System, data: DataModule, checkpoints: Checkpoints, stopwatch: Stopwatch) -> dict[str, Any]:
    """What metrics.json says of the run, however it ended."""
    from asrx.models.keras import count
    from asrx.models.summary import layers

    return {
        "best": checkpoints.best,
        "parameters": sum(p.numel() for p in system.parameters()),
        "keras_parameters": count(system.pipeline),
        "layers": layers(system.pipeline, *data.example("train")),
        "audio_seconds": {split: data.seconds(split) for split in data.utterances},
        "seconds": dict(stopwatch.seconds),
    }


def _quieten() -> None:
    """Leave out what Lightning says of itself; warnings that concern the user stay."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",
        ".*smaller than the logging interval.*",
        ".*LeafSpec.*",
        r".*module\(s\) in eval mode.*",  # an enhancer that stays as it is
        ".*sync_dist=True.*",
    ):
        warnings.filterwarnings("ignore", message)

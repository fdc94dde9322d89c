"""One experiment, from the composed config to the report."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from asrx.augment.recordings import listing
from asrx.config.build import build
from asrx.config.check import check_words
from asrx.config.digest import digest
from asrx.data.prepare import prepare
from asrx.training.stopwatch import Stopwatch
from asrx.training.threads import Others, share
from asrx.types import UserError

if TYPE_CHECKING:
    from pytorch_lightning import Callback


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
    if cfg.resume is None and _is_main() and (folder / "config.yaml").exists():
        raise UserError(f"{folder} holds a run already: continue it with resume={folder}, or name another folder.")
    if not isinstance(cfg.seed, int) or cfg.seed < 0:
        raise UserError(f"seed={cfg.seed} should be a whole number from 0.")
    stopwatch, others = Stopwatch(), Others()
    check_words(cfg)
    with stopwatch("prepare"):
        utterances, store = prepare(cfg)

    # only now: importing these takes longer than all checks before them
    import torch

    from asrx.models.keras import count
    from asrx.report.files import read_run_id, write_environment, write_json, write_predictions
    from asrx.report.run.page import write_report
    from asrx.report.terminal import summary
    from asrx.training.assembly import assemble, data_of
    from asrx.training.callbacks.checkpoints import Checkpoints
    from asrx.training.callbacks.history import History
    from asrx.training.callbacks.interrupt import Interrupt, Interrupted
    from asrx.training.callbacks.progress import Progress
    from asrx.training.callbacks.prune import Pruned
    from asrx.training.callbacks.timing import Timing
    from asrx.training.monitored import monitored

    _quieten()
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(share(others.cores()))
    main = _is_main()
    torch.manual_seed(cfg.seed)
    system = assemble(cfg, [u.text for u in utterances if u.split == "train"], stopwatch)
    objective, features = system.objective, system.features
    with stopwatch("prepare"):
        data = data_of(cfg, utterances, store, system, folder / "bad_utterances.jsonl")
        if features.normalize == "corpus":
            features.fit(system.clip(batch.wave_BT, batch.lengths_B) for batch in data.loader("train", None))

    if main:
        run_id = digest(cfg, _fingerprint(cfg, utterances, store))
        if cfg.resume is None:
            write_environment(folder, cfg, overrides, run_id)
        elif run_id != read_run_id(folder):
            raise UserError(f"resume={folder}: the data is not what it was when the run began; start a new run.")
        print(f"{sum(p.numel() for p in system.parameters()):,} parameters; run folder {folder}")

    loggers = [build(node, folder=folder) for node in cfg.logger.values() if node]
    monitor, mode = monitored(cfg, objective)
    checkpoints = Checkpoints(folder, monitor, mode)
    interrupt = Interrupt(checkpoints)
    accelerator = _accelerator(cfg.trainer)
    trainer = build(
        cfg.trainer,
        accelerator=accelerator,
        precision=_precision(cfg.trainer, accelerator),
        logger=loggers,
        callbacks=[
            *([Progress(monitor, store.sample_rate)] if cfg.trainer.enable_progress_bar else []),
            Timing(stopwatch),
            History(folder),
            interrupt,
            *callbacks,
            checkpoints,
            *(build(node) for node in cfg.trainer.callbacks),
        ],
        default_root_dir=folder,
        use_distributed_sampler=False,
    )
    if 0 in (trainer.limit_val_batches, trainer.max_epochs) or 0 < trainer.max_epochs < trainer.check_val_every_n_epoch:
        raise UserError(
            "No validation would take place, and it chooses the checkpoint to test: see trainer.max_epochs, "
            "trainer.limit_val_batches and trainer.check_val_every_n_epoch."
        )
    results: dict[str, Any] = {
        "kind": objective.metrics().kind,
        "state": "finished",
        "part": cfg.test_part,
        "test": None,
    }
    resume_from = checkpoints.last_path if cfg.resume and checkpoints.last_path.exists() else None
    try:
        trainer.fit(system, data, ckpt_path=resume_from, weights_only=True)
        if interrupt.asked:
            raise Interrupted
        if checkpoints.best is None:
            raise UserError(
                f"Training ended before its first validation, which chooses the checkpoint to test: {folder}."
            )
        with stopwatch("test"):
            if cfg.tested == "best":
                # the weights alone: with ckpt_path the callbacks would go back to what they knew at the best epoch
                system.load_state_dict(torch.load(checkpoints.best_path, "cpu", weights_only=True)["state_dict"])
            trainer.test(system, data.loader(cfg.test_part, None), verbose=False)
        results["test"] = {k.removeprefix("test/"): v for k, v in system.results.items() if k.startswith("test/")}
        predictions = system.all_predictions()
        if main:
            write_predictions(folder, data.utterances[cfg.test_part], predictions)
    except (Interrupted, SystemExit):  # Lightning turns a second Ctrl-C, or one during the test, into SystemExit
        results["state"] = "interrupted"
    except Pruned as reason:
        results |= {"state": "pruned", "reason": str(reason)}
    if main:
        results |= {
            "best": checkpoints.best,
            "parameters": sum(p.numel() for p in system.parameters()),
            "keras_parameters": count(torch.nn.ModuleList([system.encoder, objective])),
            "audio_seconds": {split: data.seconds(split) for split in data.utterances},
            "seconds": dict(stopwatch.seconds),
        }
        write_json(folder / "metrics.json", results)
        write_report(folder)
        for logger in loggers:
            logger.log_results(folder)
        print(summary(results, folder))
    return checkpoints.best[monitor] if results["state"] == "finished" else None


def _is_main() -> bool:
    """Whether this is the first of the processes of trainer=ddp, the one that writes and prints."""
    return all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"))


def _fingerprint(cfg, utterances, store) -> str:
    """What the data is: its samples, its texts and its splits, and the sizes of recordings that augment it."""
    heard = [[size for _, size, _ in listing(node)] for node in cfg.augment.wave]
    return json.dumps([store.fingerprint, [(u.text, u.split) for u in utterances], *filter(None, heard)])


def _accelerator(trainer: DictConfig) -> str:
    """`auto` is a CUDA GPU or the CPU; Apple's GPUs lack the float64 that sums are kept in."""
    import torch

    return trainer.accelerator if trainer.accelerator != "auto" else "gpu" if torch.cuda.is_available() else "cpu"


def _precision(trainer: DictConfig, accelerator: str) -> str:
    """`auto` is the fastest mixed precision the device has."""
    import torch

    if trainer.precision != "auto":
        return trainer.precision
    if accelerator == "cpu" or not torch.cuda.is_available():
        return "32-true"
    return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"


def _quieten() -> None:
    """Leave out what Lightning says of itself; warnings that concern the user stay."""
    import logging
    import warnings

    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",
        ".*smaller than the logging interval.*",
        ".*LeafSpec.*",
        ".*sync_dist=True.*",
    ):
        warnings.filterwarnings("ignore", message)

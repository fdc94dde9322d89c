"""One experiment, from the composed config to the report."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from asrx.config import build, digest
from asrx.stopwatch import Stopwatch
from asrx.types import UserError


def run(cfg: DictConfig) -> float | None:
    """Prepare, train, test and report.

    Returns:
        the best value of the monitored validation metric; None when the run was interrupted.

    Raises:
        UserError: the config or the data cannot be used; nothing was trained.
    """
    from hydra.core.hydra_config import HydraConfig

    folder = Path(HydraConfig.get().runtime.output_dir)
    if cfg.resume is None and _is_main() and (folder / "config.yaml").exists():
        raise UserError(f"{folder} holds a run already: continue it with resume={folder}, or name another folder.")
    if not isinstance(cfg.seed, int) or cfg.seed < 0:
        raise UserError(f"seed={cfg.seed} should be a whole number from 0.")
    stopwatch = Stopwatch()
    with stopwatch("prepare"):
        utterances, store = _prepare(cfg)

    # only now: importing these takes longer than all checks before them
    import torch

    from asrx.callbacks.checkpoints import Checkpoints
    from asrx.callbacks.history import History
    from asrx.callbacks.interrupt import Interrupt, Interrupted
    from asrx.callbacks.progress import Progress
    from asrx.callbacks.timing import Timing
    from asrx.report.files import read_run_id, write_environment, write_json, write_predictions
    from asrx.report.page import write_report
    from asrx.report.terminal import summary
    from asrx.system import System

    _quieten()
    main = _is_main()
    torch.manual_seed(cfg.seed)
    texts = [u.text for u in utterances if u.split == "train"]
    features = build(cfg.features)
    encoder = build(cfg.model.encoder, in_dim=features.dim)
    objective = build(cfg.model.objective, in_dim=encoder.dim, texts=texts)
    with stopwatch("prepare"):
        data = _data(cfg, utterances, store, objective, lambda n: encoder.out_len(features.frames(n)), folder)
        if features.normalize == "corpus":
            features.fit((batch.wave_BT, batch.lengths_B) for batch in data.loader("train", None))

    system = System(
        features,
        encoder,
        objective,
        wave_augment=[build(node) for node in cfg.augment.wave],
        frame_augment=[build(node) for node in cfg.augment.frames],
        mixup=build(cfg.augment.mixup) if cfg.augment.mixup else None,
        make_optimizer=lambda params: build(cfg.optimizer, params=params),
        make_schedule=lambda optimizer, steps: build(
            cfg.optimizer.schedule,
            optimizer=optimizer,
            total_steps=steps,
            mode=objective.mode,
        ),
        seed=cfg.seed,
        stopwatch=stopwatch,
        card={"config": OmegaConf.to_container(cfg, resolve=True), "labels": objective.labels},
    )
    if main:
        run_id = digest(cfg, _fingerprint(utterances, store))
        if cfg.resume is None:
            write_environment(folder, cfg, run_id)
        elif run_id != read_run_id(folder):
            raise UserError(f"resume={folder}: the data is not what it was when the run began; start a new run.")
        print(f"{sum(p.numel() for p in system.parameters()):,} parameters; run folder {folder}")

    loggers = [build(node, folder=folder) for node in cfg.logger.values() if node]
    checkpoints = Checkpoints(folder, objective.monitor, objective.mode)
    interrupt = Interrupt(checkpoints)
    accelerator = _accelerator(cfg.trainer)
    trainer = build(
        cfg.trainer,
        accelerator=accelerator,
        precision=_precision(cfg.trainer, accelerator),
        logger=loggers,
        callbacks=[
            *([Progress(objective.monitor, store.sample_rate)] if cfg.trainer.enable_progress_bar else []),
            Timing(stopwatch),
            History(folder),
            interrupt,
            checkpoints,
        ],
        default_root_dir=folder,
        use_distributed_sampler=False,
    )
    if 0 in (trainer.limit_val_batches, trainer.max_epochs) or 0 < trainer.max_epochs < trainer.check_val_every_n_epoch:
        raise UserError(
            "No validation would take place, and it chooses the checkpoint to test: see trainer.max_epochs, "
            "trainer.limit_val_batches and trainer.check_val_every_n_epoch."
        )
    results: dict[str, Any] = {"kind": objective.metrics().kind, "state": "finished", "test": None}
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
            # the weights alone: with ckpt_path the callbacks would go back to what they knew at the best epoch
            system.load_state_dict(torch.load(checkpoints.best_path, "cpu", weights_only=True)["state_dict"])
            trainer.test(system, data, verbose=False)
        results["test"] = {k.removeprefix("test/"): v for k, v in system.results.items() if k.startswith("test/")}
        predictions = system.all_predictions()
        if main:
            write_predictions(folder, data.utterances["test"], predictions)
    except (Interrupted, SystemExit):  # Lightning turns a second Ctrl-C, or one during the test, into SystemExit
        results["state"] = "interrupted"
    if main:
        results |= {
            "best": checkpoints.best,
            "parameters": sum(p.numel() for p in system.parameters()),
            "audio_seconds": {split: data.seconds(split) for split in data.utterances},
            "seconds": dict(stopwatch.seconds),
        }
        write_json(folder / "metrics.json", results)
        write_report(folder)
        for logger in loggers:
            logger.log_results(folder)
        print(summary(results, folder))
    return checkpoints.best[objective.monitor] if results["state"] == "finished" else None


def _is_main() -> bool:
    """Whether this is the first of the processes of trainer=ddp, the one that writes and prints."""
    return all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"))


def _prepare(cfg: DictConfig):
    """The corpus, split, and its decoded waveforms."""
    from asrx.data.store import build as build_store

    if cfg.dataset.on_bad not in ("error", "skip"):
        raise UserError(f"dataset.on_bad={cfg.dataset.on_bad} is neither error nor skip.")
    utterances = build(cfg.dataset.split).assign(build(cfg.dataset.corpus).prepare())
    return utterances, build_store(utterances, cfg.dataset.sample_rate, Path(cfg.data_dir).expanduser())


def _data(cfg: DictConfig, utterances, store, objective, out_len, folder: Path):
    """The DataModule of what is left after the checks."""
    from asrx.data.checks import find_problems, handle
    from asrx.data.module import DataModule
    from asrx.types import SPLITS

    problems = find_problems(
        utterances,
        store.errors,
        store.lengths,
        objective.encode,
        out_len,
        objective.feasible,
        build(cfg.dataset.split).speaker_disjoint,
    )
    for split in SPLITS:
        if not any(u.split == split for u in utterances):
            raise UserError(
                f"The {split} part is empty: give it a share of the data, dataset.split.{split}=0.1, or its own."
            )
    bad = handle(problems, utterances, cfg.dataset.on_bad, folder / "bad_utterances.jsonl")
    kept = [(place, utterance) for place, utterance in enumerate(utterances) if place not in bad]
    return DataModule(
        {split: [pair for pair in kept if pair[1].split == split] for split in SPLITS},
        store,
        objective.encode,
        cfg.dataset.batch_size,
        cfg.dataset.batch_seconds,
        cfg.dataset.buckets,
        cfg.dataset.workers,
        cfg.seed,
    )


def _fingerprint(utterances, store) -> str:
    """What the data is: its samples, its texts and its splits."""
    return json.dumps([store.fingerprint, [(u.text, u.split) for u in utterances]])


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

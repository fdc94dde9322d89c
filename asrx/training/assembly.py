"""The model of an experiment, built from its config, and the data it is given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from torch import nn

from asrx.augment import tried
from asrx.config.build import build
from asrx.data.checks import find_problems, handle
from asrx.data.module import DataModule
from asrx.data.store import Store
from asrx.features.clip import Clip
from asrx.training.monitored import monitored
from asrx.training.stopwatch import Stopwatch
from asrx.training.system import System
from asrx.types import SPLITS, UserError, Utterance


def assemble(cfg: DictConfig, texts: Sequence[str], stopwatch: Stopwatch) -> System:
    """The model, with fresh weights.

    Args:
        cfg: the composed config.
        texts: of the training part.
        stopwatch: see `System`.

    Raises:
        UserError: the parts do not fit together.
    """
    rate = cfg.dataset.sample_rate
    clip = Clip(rate, **cfg.dataset.clip)
    features = build(cfg.features)
    for key in ("wave", "test"):
        if cfg.augment[key] and not features.of_sound:
            raise UserError(
                f"augment.{key} is for sound, and features=image has pixels: use augment.frames or augment.mixup."
            )
    in_frames = None if clip.samples is None else features.frames(clip.samples)
    encoder = build(cfg.model.encoder, in_dim=features.dim, in_frames=in_frames)
    objective = build(cfg.model.objective, in_dim=encoder.dim, texts=texts)
    if cfg.augment.test and not objective.of_mean:
        raise UserError("augment.test averages answers of one label an utterance: use it with cross_entropy.")
    if cfg.model.init:
        build(cfg.model.init, module=nn.ModuleList([encoder, objective]))
    monitor, mode = monitored(cfg, objective)
    return System(
        clip,
        features,
        encoder,
        objective,
        wave_augment=[tried.on_waves(node, f"augment.wave.{i}", rate) for i, node in enumerate(cfg.augment.wave)],
        frame_augment=[
            tried.on_frames(node, f"augment.frames.{i}", features.dim) for i, node in enumerate(cfg.augment.frames)
        ],
        mixup=tried.on_pairs(cfg.augment.mixup, "augment.mixup") if cfg.augment.mixup else None,
        readings=tried.at_test_time(cfg.augment.test, "augment.test", rate) if cfg.augment.test else None,
        make_optimizer=lambda params: build(cfg.optimizer, params=params),
        make_schedule=lambda optimizer, steps: build(
            cfg.optimizer.schedule, optimizer=optimizer, total_steps=steps, mode=mode
        ),
        monitor=monitor,
        seed=cfg.seed,
        stopwatch=stopwatch,
        card={"config": OmegaConf.to_container(cfg, resolve=True), "labels": objective.labels},
    )


def data_of(
    cfg: DictConfig, utterances: Sequence[Utterance], store: Store, system: System, listing: Path
) -> DataModule:
    """The batches of what is left after the checks.

    Args:
        utterances, store: in one order.
        system: says what can be a target, and how long it may be.
        listing: the file for utterances that cannot be used.

    Raises:
        UserError: a part is empty, or some utterances cannot be used and `dataset.on_bad` is `error`.
    """
    problems = find_problems(
        utterances,
        store.errors,
        store.lengths,
        system.objective.encode,
        system.out_len,
        system.objective.feasible,
        build(cfg.dataset.split).speaker_disjoint,
    )
    for split in SPLITS:
        if not any(u.split == split for u in utterances):
            raise UserError(
                f"The {split} part is empty: give it a share of the data, dataset.split.{split}=0.1, or its own."
            )
    bad = handle(problems, utterances, cfg.dataset.on_bad, listing)
    kept = [(place, utterance) for place, utterance in enumerate(utterances) if place not in bad]
    return DataModule(
        {split: [pair for pair in kept if pair[1].split == split] for split in SPLITS},
        store,
        system.objective.encode,
        cfg.dataset.batch_size,
        cfg.dataset.batch_seconds,
        cfg.dataset.buckets,
        cfg.dataset.replacement,
        cfg.dataset.workers,
        cfg.seed,
    )

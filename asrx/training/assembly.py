"""The model of an experiment with its training, built from the config, and the data it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from torch import nn
from torch.optim import Optimizer

from asrx.augment import tried
from asrx.config.build import build
from asrx.config.components import Function
from asrx.data.checks import find_problems, handle, least_samples, outside
from asrx.data.drawing import draws
from asrx.data.mixing import Mixing
from asrx.data.module import DataModule
from asrx.data.parts import told as told_labels
from asrx.data.parts import weights
from asrx.data.prepare import Prepared
from asrx.data.repeats import told
from asrx.training.monitored import monitored
from asrx.training.pipeline import build_pipeline, vocabulary_of, words_of
from asrx.training.rates import Groups, one_group
from asrx.training.schedules import Schedule
from asrx.training.stopwatch import Stopwatch
from asrx.training.system import Augmentation, Optimisation, System
from asrx.types import SPLITS, LayeredEncoder, Objective, Split, UserError


def assemble(cfg: DictConfig, texts: Sequence[str], stopwatch: Stopwatch) -> System:
    """The model, with fresh weights, and how it is trained.

    Args:
        cfg: the composed config.
        texts: of the training part.
        stopwatch: see `System`.

    Raises:
        UserError: the parts do not fit together.
    """
    pipeline = build_pipeline(cfg, texts)
    if cfg.augment.wave and not pipeline.features.of_sound:
        raise UserError(
            "augment.wave is for sound, and features=image has pixels: use augment.frames or augment.mixup."
        )
    if cfg.augment.mixup and pipeline.objective.views > 1:
        raise UserError(
            "augment.mixup blends each view of an utterance with something else, and model.objective.consistency wants "
            "them to agree: leave one of the two out."
        )
    encoder = pipeline.encoder
    if pipeline.objective.inner and not (isinstance(encoder, LayeredEncoder) and encoder.depth > 1):
        raise UserError(
            f"model.objective.inner listens within the encoder, and {type(encoder).__name__} as it is has no two "
            "layers of one width: use crnn with model.encoder.layers=2, conformer or transformer, or leave it out."
        )
    if cfg.model.init:
        parts = nn.ModuleList([encoder, pipeline.objective])
        build(cfg.model.init, Function("module", nn.Module), module=parts)
    objective = pipeline.objective
    card = {
        "config": OmegaConf.to_container(cfg, resolve=True),
        "labels": objective.decoder.labels,
        "words": words_of(objective, texts),
        "vocabulary": vocabulary_of(objective),
        "enhancer": pipeline.enhancer and pipeline.enhancer.made_of,
    }
    return System(
        pipeline,
        _augmentation(cfg, pipeline.features.dim),
        _optimisation(cfg, objective),
        cfg.seed,
        stopwatch,
        card,
    )


def _augmentation(cfg: DictConfig, dim: int) -> Augmentation:
    rate = cfg.dataset.sample_rate
    return Augmentation(
        [tried.on_waves(node, f"augment.wave.{i}", rate) for i, node in enumerate(cfg.augment.wave)],
        [tried.on_frames(node, f"augment.frames.{i}", dim) for i, node in enumerate(cfg.augment.frames)],
        tried.on_pairs(cfg.augment.mixup, "augment.mixup") if cfg.augment.mixup else None,
    )


def _optimisation(cfg: DictConfig, objective: Objective) -> Optimisation:
    monitor, mode = monitored(cfg, objective)
    settings = OmegaConf.to_container(cfg.optimizer, resolve=True)
    schedule = settings.pop("schedule")
    settings.pop("average", None)  # a callback, see asrx.training.run
    rates = settings.pop("rates", None)  # runs of earlier versions do not have it
    grouped = partial(build, rates, Function("return", Groups), lr=settings["lr"]) if rates else one_group
    return Optimisation(
        lambda named: build(settings, Optimizer, params=grouped(named=named)),
        lambda optimizer, steps: build(
            schedule, Function("return", Schedule), optimizer=optimizer, total_steps=steps, mode=mode
        ),
        monitor,
    )


def data_of(
    cfg: DictConfig,
    prepared: Prepared,
    objective: Objective,
    out_len: Callable[[int], int],
    listing: Path,
    shortening: Sequence[tuple[str, float]] = (),
) -> DataModule:
    """The batches of what is left after the checks.

    Args:
        objective: says what can be a target.
        out_len: samples to the encoder frames that a target must fit in.
        listing: the file for utterances that cannot be used.
        shortening: of each augmentation in training that makes utterances shorter, its name and the least share of the
            samples that it leaves.

    Raises:
        UserError: a part is empty, or some utterances cannot be used and `dataset.on_bad` is `error`.
    """
    mixing = _mixing(cfg, prepared, objective)
    utterances, store = prepared.utterances, prepared.store
    problems = find_problems(
        utterances,
        store.errors,
        store.lengths,
        prepared.made_of,
        objective.encode,
        out_len,
        objective.feasible,
        build(cfg.dataset.split, Split).speaker_disjoint,
        cfg.dataset.shared == "allow",
        cfg.augment.offline.before_split,
    )
    for split in SPLITS:
        if not any(u.split == split for u in utterances):
            raise UserError(
                f"The {split} part is empty: give it a share of the data, dataset.split.{split}=0.1, or its own."
            )
    bad = handle(problems, utterances, cfg.dataset.on_bad, listing)
    heard = (i for i, utterance in enumerate(utterances) if utterance.split == "train" and i not in bad)
    seconds = {place: store.lengths[place] / cfg.dataset.sample_rate for place in heard}
    unfit = outside(seconds, cfg.dataset.min_seconds, cfg.dataset.max_seconds)
    if unfit:
        print(
            f"{len(unfit)} of {len(seconds)} training utterances are left out by dataset.min_seconds and "
            f"dataset.max_seconds, such as {utterances[min(unfit)].id} of {seconds[min(unfit)]:.2f} s."
        )
    kept = [(place, utterance) for place, utterance in enumerate(utterances) if place not in bad | unfit]
    if twice := told(utterances, [place for place, _ in kept], prepared.made_of):
        print(f"{twice}: every one counts.")
    training = {place: utterance for place, utterance in kept if utterance.split == "train"}
    if foreign := told_labels(training.values(), objective.encode, objective.text):
        print(foreign)
    least = {}
    if shortening:
        shortest = prod(share for _, share in shortening)
        least = least_samples(training, store.lengths, objective.encode, out_len, objective.feasible, shortest)
    if least:
        print(
            f"{' and '.join(name for name, _ in shortening)} might leave {len(least)} of {len(training)} training "
            f"utterances too short for their texts, such as {utterances[min(least)].id}: those are left alone where "
            "they would be."
        )
    return DataModule(
        {split: [pair for pair in kept if pair[1].split == split] for split in SPLITS},
        store,
        objective.encode,
        cfg.dataset.batch_size,
        cfg.dataset.batch_seconds,
        cfg.dataset.buckets,
        cfg.dataset.replacement,
        cfg.dataset.workers,
        cfg.seed,
        least,
        draws(list(training.values()), weights(cfg.dataset.parts)),
        mixing,
    )


def _mixing(cfg: DictConfig, prepared: Prepared, objective: Objective) -> Mixing | None:
    """How utterances are mixed, where they are, if that is what the objective is for."""
    mixing = build(cfg.dataset.mixing, Mixing) if cfg.dataset.mixing else None
    if objective.sources and mixing is None:
        raise UserError(
            "model/objective=si_sdr compares with the clean waveforms of mixtures, which dataset=mixtures makes: "
            "choose that."
        )
    if mixing and mixing.speakers != (objective.sources or 1):
        raise UserError(
            f"dataset.speakers={mixing.speakers} does not go with a model of {objective.sources or 1}: give "
            "model.encoder.sources as many, and a model of transcripts one speaker."
        )
    if mixing:
        mixing.check(prepared.utterances)
    return mixing

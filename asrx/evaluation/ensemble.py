"""Classifiers whose probabilities are averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from omegaconf import DictConfig

from asrx.evaluation.measure import probabilities
from asrx.evaluation.noises import noises
from asrx.evaluation.trained import load
from asrx.types import Objective, UserError, Utterance

Figures = list[dict[str, float]]  # clean, then in noise


def ensemble(
    configs: Mapping[Path, DictConfig], noise: str | None, snrs: Sequence[float]
) -> tuple[list[Figures], Figures, Figures]:
    """Average the probabilities that classifiers give to the same test utterances (bagging, Breiman 1996,
    https://doi.org/10.1007/BF00058655, where the members were trained on bootstrap draws).

    Args:
        configs: of the runs, by their folders.
        noise, snrs: see `noises`.

    Returns:
        the figures of each run, their mean, and those of the ensemble.

    Raises:
        UserError: runs that are no classifiers or differ in labels or test utterances, or see `load`.
    """
    members, tests, sums = [], [], [0] * (1 + len(snrs))
    for folder, cfg in configs.items():
        trained = load(folder, cfg)
        objective, test = trained.pipeline.objective, trained.data.utterances[cfg.test_part]
        if objective.metrics().kind != "classification":
            raise UserError(f"{folder} writes transcripts: --ensemble takes runs of model/objective=cross_entropy.")
        recordings = trained.data.recordings(cfg.test_part)
        tests.append(
            (objective.decoder.labels, [(samples, u.text) for samples, u in zip(recordings, test, strict=True)])
        )
        if tests[-1] != tests[0]:
            raise UserError(
                f"{folder} has other labels or test utterances than {next(iter(configs))}: name runs that share them."
            )
        answers = [probabilities(trained, added) for added in noises(noise, snrs, cfg.dataset.sample_rate)]
        sums = [total + p_NV for total, p_NV in zip(sums, answers, strict=True)]
        members.append([_scored(objective, test, p_NV) for p_NV in answers])
    mean = [
        {name: sum(row[name] for row in column) / len(members) for name in column[0]}
        for column in zip(*members, strict=True)
    ]
    return members, mean, [_scored(objective, test, p_NV) for p_NV in sums]


def _scored(objective: Objective, test: Sequence[Utterance], p_NV: torch.Tensor) -> dict[str, float]:
    figures = objective.metrics()
    references = [objective.text(objective.encode(u.text)) for u in test]
    figures.update(references, [objective.decoder.labels[i] for i in p_NV.argmax(1).tolist()])
    return figures.compute()

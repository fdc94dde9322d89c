"""What an exported model is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from omegaconf import DictConfig

from asrx.config.saved import config_of
from asrx.evaluation.trained import Trained, load
from asrx.recognition.sources import read
from asrx.types import UserError

MOST = 100  # recordings
GENERATED = (0.3, 1.0, 2.7, 6.1)  # s, of noise where there are no recordings


def own_data(source: Path) -> tuple[Trained | None, str]:
    """A run's own data, or why it is not to be had."""
    if not source.is_dir():
        return None, f"{source} is a checkpoint without its run folder: name that."
    try:
        return load(source, config_of(source, [])), ""
    except UserError as error:
        return None, f"the run's data cannot be had here: {error}"


def waveforms(
    cfg: DictConfig, trained: Trained | None, without: str, named: Sequence[Path]
) -> tuple[list[torch.Tensor], str]:
    """(T,) waveforms in [-1, 1], and what they are: the recordings that are named, or else up to `MOST` of the run's
    test part, or else noise."""
    rate = int(cfg.dataset.sample_rate)
    if named:
        waves = [torch.from_numpy(read(path, rate).wave_T / np.float32(32768)) for path in named[:MOST]]
        return waves, f"{len(waves)} recordings that were named"
    if trained is not None:
        test = trained.data.loader(trained.cfg.test_part, None).dataset
        n = len(trained.data.utterances[trained.cfg.test_part])
        chosen = np.linspace(0, n - 1, min(n, MOST)).astype(int)
        return [
            test[np.array([i])].wave_BT[0] for i in chosen
        ], f"{len(chosen)} recordings of the {trained.cfg.test_part} part"
    noise = torch.Generator().manual_seed(0)
    waves = [torch.randn(round(seconds * rate), generator=noise) / 10 for seconds in GENERATED]
    return waves, f"noise alone, as {without.rstrip('.')}"

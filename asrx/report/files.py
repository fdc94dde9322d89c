"""The plain files of a run folder."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import yaml
from omegaconf import DictConfig, OmegaConf

from asrx.config.places import home
from asrx.config.saved import literal
from asrx.types import SPLITS, Hypothesis, UserError, Utterance

RECORDINGS = "recordings.npz"  # of a run folder


def write_json(path: Path, content: Any) -> None:
    """Write JSON so that a reader never sees half of it."""
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, path)


def read_json(path: Path, missing: Any = None) -> Any:
    """What a JSON file holds, or `missing` where there is no such file.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else missing
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}): restore it or move it away.") from error


def read_run_id(folder: Path) -> str:
    """The run_id of a run folder."""
    return read_json(folder / "environment.json")["run_id"]


def write_recordings(folder: Path, recordings: Mapping[str, Iterable[int]]) -> None:
    """recordings.npz: the sources (see the waveform store) of the recordings that each split is made of, and those that
    the model had heard before are among those of the training part."""
    partial = folder / "recordings.part"
    with open(partial, "wb") as file:
        np.savez(file, **{split: np.array(sorted(sources), "<u8") for split, sources in recordings.items()})
    os.replace(partial, folder / RECORDINGS)


def read_recordings(folder: Path) -> dict[str, set[int]]:
    """The sources of the recordings that each split of a run is made of.

    Raises:
        UserError: they cannot be read.
    """
    path = folder / RECORDINGS
    try:
        with np.load(path) as splits:
            return {split: set(splits[split].tolist()) for split in SPLITS}
    except Exception as error:  # numpy raises many kinds, which depend on what the file holds instead
        raise UserError(
            f"{path}, which says what the run was trained on, cannot be read ({error}): bring it back, or run anew."
        ) from error


def write_config(folder: Path, cfg: DictConfig, overrides: Sequence[str]) -> None:
    """overrides.yaml, and config.yaml (resolved)."""
    plain = OmegaConf.to_container(cfg, resolve=True)
    del plain["resume"]
    plain["resume"] = None  # the last line, by which a reader knows that it has the whole file
    listed = yaml.safe_dump(list(overrides), allow_unicode=True)
    texts = {"overrides": listed, "config": OmegaConf.to_yaml(literal(plain))}
    for name, text in texts.items():
        (folder / f"{name}.part").write_text(text, encoding="utf-8")
        os.replace(folder / f"{name}.part", folder / f"{name}.yaml")


def write_environment(folder: Path, run_id: str, data: str, data_settings: str) -> None:
    """environment.json; `data` is the fingerprint of the run's data, and `data_settings` that of what was asked for."""
    import torch

    packages = ("asrx", "torch", "torchaudio", "pytorch-lightning", "hydra-core", "numpy")
    versions = {name.replace("-", "_"): metadata.version(name) for name in packages}
    device = (
        torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else f"{platform.machine()} CPU, {os.cpu_count()} cores"
    )
    facts = {
        "run_id": run_id,
        "data": data,
        "data_settings": data_settings,
        "command": " ".join(["python -m asrx", *sys.argv[1:]]),
        "device": device,
        "threads": torch.get_num_threads(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "git_commit": _git_commit(),
    }
    write_json(folder / "environment.json", facts | versions)


def _git_commit() -> str:
    """The checkout's commit, with a mark when files differ from it; empty outside a checkout."""
    call = ["git", "-C", str(home()), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def write_predictions(
    path: Path,
    utterances: Sequence[Utterance],
    sources: Sequence[int],
    predictions: Sequence[tuple[int, str, Hypothesis]],
    explained: Mapping[int, Any] = MappingProxyType({}),
) -> None:
    """JSON Lines: an utterance each, and what was answered.

    Args:
        path: of the file.
        utterances, sources: of the part that they are in; see the waveform store.
        predictions: place, reference and answer.
        explained: how sure an answer is, and its words with their beginnings and ends in seconds, by place; of some.
    """
    partial = path.with_suffix(".part")
    with open(partial, "w", encoding="utf-8") as file:
        for place, reference, hypothesis in predictions:
            u = utterances[place]
            row = {
                "id": u.id,
                "audio": str(Path(u.audio).absolute()),
                "offset": u.offset,
                "duration": u.duration,
                "speaker": u.speaker,
                "recording": f"{sources[place]:016x}",
            }
            row |= {"reference": reference, "hypothesis": hypothesis.text, "score": hypothesis.score}
            if place in explained:
                confidence, words = explained[place]
                row |= {"confidence": confidence, "words": [word._asdict() for word in words]}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    os.replace(partial, path)

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

import yaml
from omegaconf import DictConfig, OmegaConf

from asrx.config.places import home
from asrx.config.saved import literal
from asrx.types import SPLITS, Hypothesis, UserError, Utterance, reason

RECORDINGS = "recordings.npz"  # of a run folder
# what metrics.json says of every run, by kind; a run of an earlier version lacks some
_MAYBE = (dict, type(None))
_METRICS = {"kind": str, "state": str, "test": _MAYBE, "best": _MAYBE, "seconds": _MAYBE, "part": (str, type(None))}
_METRICS |= {"parameters": (int, type(None)), "keras_parameters": (int, type(None))}


def write_json(path: Path, content: Any) -> None:
    """Write JSON so that a reader never sees half of it."""
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, path)


def read_json(path: Path) -> dict[str, Any]:
    """The mapping that a JSON file holds; empty where there is no such file.

    Raises:
        UserError: it cannot be read, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read ({reason(error)}): restore it or move it away.") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no mapping of names to values: restore it or move it away.")
    return content


def read_metrics(folder: Path) -> dict[str, Any]:
    """metrics.json of a run folder, whose `test` is None where nothing was tested, or there is no such file.

    Raises:
        UserError: it is not as a run writes it.
    """
    path = folder / "metrics.json"
    metrics = read_json(path)
    if not path.exists():
        return {"test": None}
    for key, kind in _METRICS.items():
        if not isinstance(metrics.get(key), kind):
            raise UserError(f"{path}: {key} is {metrics.get(key)!r}: bring the file back as the run wrote it.")
    figures = {
        f"{key}.{name}": value for key in ("test", "seconds") for name, value in (metrics.get(key) or {}).items()
    }
    if wrong := [f"{name} is {value!r}" for name, value in figures.items() if not isinstance(value, int | float)]:
        raise UserError(f"{path}: {wrong[0]}, no number: bring the file back as the run wrote it.")
    return metrics


def read_run_id(folder: Path) -> str:
    """The run_id of a run folder.

    Raises:
        UserError: there is none.
    """
    run_id = read_json(folder / "environment.json").get("run_id")
    if not isinstance(run_id, str):
        raise UserError(f"{folder / 'environment.json'} has no run_id: bring it back as the run wrote it.")
    return run_id


def write_recordings(folder: Path, recordings: Mapping[str, Iterable[int]]) -> None:
    """recordings.npz: the sources (see the waveform store) of the recordings that each split is made of, and those that
    the model had heard before are among those of the training part."""
    import numpy as np

    partial = folder / "recordings.part"
    with open(partial, "wb") as file:
        np.savez(file, **{split: np.array(sorted(sources), "<u8") for split, sources in recordings.items()})
    os.replace(partial, folder / RECORDINGS)


def read_recordings(folder: Path) -> dict[str, set[int]]:
    """The sources of the recordings that each split of a run is made of.

    Raises:
        UserError: they cannot be read.
    """
    import numpy as np

    path = folder / RECORDINGS
    try:
        with np.load(path) as splits:
            return {split: set(splits[split].tolist()) for split in SPLITS}
    except Exception as error:  # numpy raises many kinds, and advises to switch its protection off
        raise UserError(
            f"{path}, which says what the run was trained on, cannot be read: bring it back, or run anew."
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
    recordings: Sequence[tuple[int, float]],
    predictions: Sequence[tuple[int, str, Hypothesis]],
    explained: Mapping[int, Any] = MappingProxyType({}),
) -> None:
    """JSON Lines: an utterance each, and what was answered.

    Args:
        path: of the file.
        utterances, recordings: of the part that they are in; source and seconds of a recording, see the waveform store.
        predictions: place, reference and answer.
        explained: how sure an answer is, and its words with their beginnings and ends in seconds, by place; of some.
    """
    partial = path.with_suffix(".part")
    with open(partial, "w", encoding="utf-8") as file:
        for place, reference, hypothesis in predictions:
            u, (source, seconds) = utterances[place], recordings[place]
            row = {
                "id": u.id,
                "audio": str(Path(u.audio).absolute()),
                "offset": u.offset,
                "duration": u.duration,
                "speaker": u.speaker,
                "recording": f"{source:016x}",
                "seconds": round(seconds, 3),
            }
            if u.tags:
                row["tags"] = dict(u.tags)
            row |= {"reference": reference, "hypothesis": hypothesis.text, "score": hypothesis.score}
            if place in explained:
                confidence, words = explained[place]
                row |= {"confidence": confidence, "words": [word._asdict() for word in words]}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    os.replace(partial, path)

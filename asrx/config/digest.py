"""The name of a result."""

from __future__ import annotations

import hashlib
import json

from omegaconf import DictConfig, OmegaConf

# Settings that say where things are or how they are shown, and never change a result.
INDIFFERENT = ("data_dir", "run_dir", "resume", "logger", "published", "search")
# Of the dataset group, these change a result; what the data is, its fingerprint says.
DATASET_SETTINGS = (
    "sample_rate",
    "min_seconds",
    "max_seconds",
    "clip",
    "batch_size",
    "batch_seconds",
    "buckets",
    "replacement",
)


def digest(cfg: DictConfig, data: str) -> str:
    """Twelve hex digits that name a result: of every setting that affects it, and of the data's fingerprint."""
    settings = OmegaConf.to_container(cfg, resolve=True)
    settings = {name: value for name, value in settings.items() if name not in INDIFFERENT}
    settings["trainer"].pop("enable_progress_bar", None)
    parts = settings["dataset"].get("parts") or {}
    weights = {name: part["weight"] for name, part in parts.items() if part.get("weight")}
    mixing = settings["dataset"].get("mixing")
    settings["dataset"] = {name: settings["dataset"][name] for name in DATASET_SETTINGS}
    if weights:  # of the parts of a mix
        settings["dataset"]["weights"] = weights
    if mixing:  # the noises are part of the data
        settings["dataset"]["mixing"] = {name: value for name, value in mixing.items() if "noises" not in name}
    return hashlib.sha256(json.dumps([settings, data], sort_keys=True).encode()).hexdigest()[:12]

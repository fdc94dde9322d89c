"""What is checked before anything heavy is imported: the config, and a run to resume."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from asrx.config import check, compose
from asrx.types import UserError


def checked(cfg: DictConfig) -> DictConfig:
    """The config to run: the composed one after its check, or that of the run to resume.

    Raises:
        UserError: see `asrx.config.check`; a folder that holds no run, or `resume` together with other overrides.
    """
    from hydra.core.hydra_config import HydraConfig

    runtime = HydraConfig.get()
    if cfg.resume is not None:
        return _resumed(Path(cfg.resume), list(runtime.overrides.task))
    allowed = compose(
        [f"{group}={_choice(name)}" for group, name in runtime.runtime.choices.items() if _ours(group, name)]
    )
    check(cfg, allowed)
    return cfg


def _ours(group: str, name: str | None) -> bool:
    return name is not None and "hydra" not in group and group != "experiments"


def _choice(name: str) -> str:
    return str(name).replace("'", "")


def _resumed(folder: Path, overrides: list[str]) -> DictConfig:
    others = [override for override in overrides if not override.startswith("resume=")]
    if others:
        raise UserError(
            f"resume={folder} continues the run with the config it began with: leave out {' '.join(others)}, "
            "or start a new run without resume."
        )
    saved = folder / "config.yaml"
    if not saved.exists():
        raise UserError(f"resume={folder}: there is no run in that folder ({saved.name} is missing).")
    return OmegaConf.merge(OmegaConf.load(saved), {"resume": str(folder)})

"""What is checked before anything heavy is imported: the config, and the run to resume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from asrx.config.check import check, is_search
from asrx.config.compose import choices, compose
from asrx.config.saved import DATA_PLACES, completed, config_of, is_place, literal, read_config
from asrx.config.several import several
from asrx.config.spelling import spell
from asrx.types import UserError


def check_names(arguments: Sequence[str]) -> None:
    """Refuse a folder of a run whose name holds `${`, which Hydra looks up wherever it meets it.

    Args:
        arguments: of the command, as they were written.

    Raises:
        UserError: as it says.
    """
    for argument in arguments:
        key, _, value = argument.partition("=")
        if (key == "resume" and "${" in value) or (key == "run_dir" and "\\${" in value):
            raise UserError(f"{argument}: Hydra takes ${{ in the name of a run's folder for a key: rename that folder.")


def check_resume(arguments: list[str]) -> list[str]:
    """Look at `resume=FOLDER` on the command line before Hydra makes that folder.

    Returns:
        the overrides beside it that say where the run's recordings are now. They are for the config that the run began
        with: the one that Hydra composes may not have their keys.

    Raises:
        UserError: the folder holds no run, or there are other overrides beside it.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    given = next((a for a in arguments if a.startswith("resume=")), "resume=null")
    folder = OverridesParser.create().parse_override(given).value()
    if folder is None:
        return []
    if not (Path(folder) / "config.yaml").exists():
        raise UserError(f"resume={folder}: there is no run in that folder (config.yaml is missing).")
    moved = [a for a in arguments if is_place(a)]
    others = [a for a in arguments if not a.startswith(("resume=", "hydra.")) and a not in moved]
    if others:
        raise UserError(
            f"resume={folder} continues the run with the config it began with: leave out {' '.join(others)} (only "
            f"{', '.join(DATA_PLACES)} may say where the same recordings are now), or start a new run without resume."
        )
    return moved


def check_sweep(cfg: DictConfig) -> None:
    """Refuse what cannot be part of a sweep.

    Raises:
        UserError: several processes.
    """
    if "ddp" in str(cfg.trainer.get("strategy")):
        raise UserError("trainer=ddp cannot start its processes from within a sweep: leave out -m.")


def checked(cfg: DictConfig, moved: list[str]) -> DictConfig:
    """The config to run: the composed one after its check, or that of the run to resume.

    Args:
        cfg: the composed config.
        moved: of `check_resume`.

    Raises:
        UserError: see `asrx.config.check`; several processes in a sweep.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    hydra = HydraConfig.get()
    if hydra.mode == RunMode.MULTIRUN:
        check_sweep(cfg)
    if is_search(cfg):
        name = hydra.runtime.choices["search"]
        raise UserError(f"search={name} is a sweep: write python -m asrx -m ..., or search=none for one run.")
    if idle := [o for o in OmegaConf.to_container(hydra.overrides.task) if o.startswith("search.")]:
        raise UserError(
            f"{idle[0]} says how to search: choose search=grid, random or tpe, and write python -m asrx -m."
        )
    if cfg.resume is not None:
        own = read_config(Path(cfg.resume))
        if completed(own) != own:
            raise UserError(f"resume={cfg.resume}: an earlier version of asrx began that run: start a new one.")
        return OmegaConf.merge(config_of(Path(cfg.resume), moved), literal({"resume": cfg.resume}))
    overrides = OmegaConf.to_container(hydra.overrides.task)
    chosen = hydra.runtime.choices.items()
    ours = [f"{group}={name}" for group, name in chosen if name and not group.startswith(("hydra", "experiments"))]
    # a group of several choices is not among Hydra's
    lists = several(overrides) | {"logger": choices("logger")}
    cfg = spell(cfg, overrides)
    check(cfg, compose([*ours, *(f"{group}=[{','.join(names)}]" for group, names in lists.items())]))
    return cfg

"""Where the config's files are, what can be chosen in them, and what a command composes to."""

from __future__ import annotations

import difflib
import os
import secrets
import time
from collections.abc import Iterable
from pathlib import Path

from omegaconf import DictConfig, OmegaConf


def home() -> Path:
    """The folder that holds conf/ and experiments/: the package in an installed wheel, its parent in a checkout."""
    package = Path(__file__).parents[1]
    return package if (package / "conf").is_dir() else package.parent


def set_up_hydra() -> None:
    """Make known to Hydra what conf/ refers to: ASRX_HOME, two resolvers that name folders, and one that multiplies."""
    os.environ["ASRX_HOME"] = str(home())
    OmegaConf.register_new_resolver("asrx.run_folder", _run_folder, use_cache=True, replace=True)
    OmegaConf.register_new_resolver("asrx.sweep_folder", _sweep_folder, use_cache=True, replace=True)
    OmegaConf.register_new_resolver("asrx.times", lambda a, b: round(a * b, 9), replace=True)


def _run_folder(resume: str | None, base: str) -> str:
    return str(resume) if resume else _fresh(base)


def _sweep_folder(base: str) -> str:
    return _fresh(f"{base}/sweeps")


def _fresh(base: str) -> str:
    """A folder name that is never given twice, also by jobs that start in the same second."""
    return f"{base}/{time.strftime('%Y-%m-%d_%H-%M-%S')}_{secrets.token_hex(4)}"


def nearest(word: str, options: Iterable[str]) -> str:
    """` Did you mean x?` or an empty string."""
    close = difflib.get_close_matches(word, list(options), n=1, cutoff=0.5)
    return f" Did you mean {close[0]}?" if close else ""


def choices(group: str) -> dict[str, str]:
    """The choices of a config group such as `model/encoder`, each with the line its YAML begins with."""
    folders = [home() / "conf" / group, home() / group, Path(group)]
    files = sorted({path.stem: path for folder in folders for path in folder.glob("*.yaml")}.items())
    return {name: _description(path) for name, path in files}


def _description(path: Path) -> str:
    """The first comment of a YAML file that is not for Hydra."""
    comments = (line.lstrip("# ") for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#"))
    return next((comment for comment in comments if not comment.startswith("@package")), "")


def groups() -> list[str]:
    """All config groups, nested ones as `model/encoder`."""
    conf = home() / "conf"
    nested = sorted({str(path.parent.relative_to(conf)) for path in conf.glob("*/**/*.yaml")})
    return [*nested, "experiments"]


def compose(overrides: list[str], with_hydra: bool = False) -> DictConfig:
    """What the overrides of a command compose to; where it is asked for, with Hydra's own settings."""
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    if GlobalHydra.instance().is_initialized():  # inside a job
        return hydra.compose("config", overrides=overrides, return_hydra_config=with_hydra)
    set_up_hydra()
    with hydra.initialize_config_dir(str(home() / "conf"), version_base="1.3"):
        return hydra.compose("config", overrides=overrides, return_hydra_config=with_hydra)

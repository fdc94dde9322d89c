"""Where the config's files are, what can be chosen in them, and what a command composes to."""

from __future__ import annotations

import difflib
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from asrx.config.kinds import TEXTS, kinds
from asrx.config.places import home
from asrx.config.spelling import is_misread, spell, spell_overrides, written


def set_up_hydra() -> None:
    """Make known to Hydra what conf/ refers to: ASRX_HOME, resolvers that name folders, and one that multiplies."""
    os.environ["ASRX_HOME"] = str(home())
    OmegaConf.register_new_resolver("asrx.run_dir", _run_dir, replace=True)
    OmegaConf.register_new_resolver("asrx.run_folder", _run_folder, use_cache=True, replace=True)
    OmegaConf.register_new_resolver("asrx.sweep_folder", _sweep_folder, use_cache=True, replace=True)
    OmegaConf.register_new_resolver("asrx.times", lambda a, b: round(a * b, 9), replace=True)


def _run_folder(resume: str | None, base: str) -> str:
    return os.path.expanduser(resume) if resume else _fresh(base)


def _sweep_folder(base: str) -> str:
    return _fresh(f"{base}/sweeps")


def _run_dir(base: Any, _root_: DictConfig) -> str:
    """As `spell` has it, which looks at the config when Hydra has made the folder."""
    text = base if isinstance(base, str) else written("run_dir", OmegaConf.to_container(_root_.hydra.overrides.task))
    return os.path.expanduser(text or str(base))


def _fresh(base: str) -> str:
    """A folder name that is never given twice, also by jobs that start in the same second."""
    return f"{base}/{time.strftime('%Y-%m-%d_%H-%M-%S')}_{secrets.token_hex(4)}"


def nearest(word: str, options: Iterable[str]) -> str:
    """` Did you mean x?` or an empty string."""
    close = difflib.get_close_matches(word, list(options), n=1, cutoff=0.5)
    return f" Did you mean {close[0]}?" if close else ""


def choices(group: str) -> dict[str, str]:
    """The choices of a config group such as `model/encoder`, each with the line its YAML begins with."""
    return {name: _description(path) for name, path in choice_files(group).items()}


def choice_files(group: str) -> dict[str, Path]:
    """The YAML file of each choice of a config group."""
    folders = [home() / "conf" / group, home() / group, Path(group)]
    return dict(sorted({path.stem: path for folder in folders for path in folder.glob("*.yaml")}.items()))


def _description(path: Path) -> str:
    """The first comment of a YAML file that is not for Hydra; of one that cannot be read, that."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        return f"cannot be read: {getattr(error, 'strerror', 'not UTF-8')}"
    comments = (line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
    return next((comment for comment in comments if not comment.startswith("@package")), "")


def groups() -> list[str]:
    """All config groups, nested ones as `model/encoder`."""
    conf = home() / "conf"
    nested = sorted({str(path.parent.relative_to(conf)) for path in conf.glob("*/**/*.yaml")})
    return [*nested, "experiments"]


def compose(overrides: list[str], with_hydra: bool = False) -> DictConfig:
    """What the overrides of a command compose to; where it is asked for, with Hydra's own settings."""
    from hydra import compose

    with initialized():
        overrides = spelled(overrides)
        return spell(compose("config", overrides=overrides, return_hydra_config=with_hydra), overrides)


def spelled(arguments: list[str]) -> list[str]:
    """The arguments of a command, with quotes around texts that Hydra would take for something else."""
    from hydra import compose

    own = set(groups())
    if not any(is_misread(a) for a in arguments if not _is_a_name(a, own)):
        return arguments
    # of a sweep over choices, the first says what keys there are
    chosen = [a.partition(",")[0] for a in arguments if a.partition("=")[0].lstrip("+") in own and "[" not in a]
    with initialized():
        known = kinds(compose("config", overrides=chosen))
    return spell_overrides(arguments, known, sweeps=bool({"-m", "--multirun"} & set(arguments)))


def _is_a_name(argument: str, groups: set[str]) -> bool:
    """Whether an argument gives no text: it makes choices, or a setting of Hydra's that is no folder."""
    key = argument.partition("=")[0].lstrip("+~")
    return key in groups or (key.startswith("hydra.") and key not in TEXTS)


@contextmanager
def initialized() -> Iterator[None]:
    """Hydra as a job has it, or as one would."""
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    if GlobalHydra.instance().is_initialized():
        yield
        return
    set_up_hydra()
    with hydra.initialize_config_dir(str(home() / "conf"), version_base="1.3"):
        yield

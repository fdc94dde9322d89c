"""The composed config: where its files are, whether it is right, and the objects it describes.

This is the only file that calls Hydra's `instantiate`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from asrx.signatures import signature
from asrx.types import UserError

# What the program gives each of these when it builds it, to those that take it; the YAML leaves it out.
SUPPLIED = {
    "model.encoder": ("in_dim", "in_frames"),
    "model.objective": ("in_dim", "texts"),
    "model.init": ("module",),
    "optimizer": ("params",),
    "optimizer.schedule": ("optimizer", "total_steps", "mode"),
    "trainer": ("logger", "default_root_dir", "use_distributed_sampler"),
    "logger": ("folder",),
}
# Settings that have two words to choose from.
WORDS = {"dataset.on_bad": ("error", "skip"), "tested": ("best", "last"), "test_part": ("test", "val")}
# Settings that say where things are or how they are shown, and never change a result.
INDIFFERENT = ("data_dir", "run_dir", "resume", "logger", "published", "search")
# Of the dataset group, these change a result; what the data is, its fingerprint says.
DATASET_SETTINGS = ("sample_rate", "clip", "batch_size", "batch_seconds", "buckets", "replacement")


def supplied(path: Sequence[str]) -> tuple[str, ...]:
    """The arguments that the program gives the component at a path of the config."""
    return SUPPLIED.get("logger" if path[0] == "logger" else ".".join(path), ())


def home() -> Path:
    """The folder that holds conf/ and experiments/: the package in an installed wheel, its parent in a checkout."""
    package = Path(__file__).parent
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


def compose(overrides: list[str]) -> DictConfig:
    """What the overrides of a command compose to."""
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    if GlobalHydra.instance().is_initialized():  # inside a job
        return hydra.compose("config", overrides=overrides)
    set_up_hydra()
    with hydra.initialize_config_dir(str(home() / "conf"), version_base="1.3"):
        return hydra.compose("config", overrides=overrides)


def checked(overrides: Sequence[str]) -> DictConfig:
    """What the overrides of a command compose to, after its check.

    Raises:
        UserError: see `check`.
    """
    cfg = compose(list(overrides))
    check(cfg, compose([override for override in overrides if override.partition("=")[0] in groups()]))
    return cfg


def check(cfg: DictConfig, allowed: DictConfig) -> None:
    """Refuse a config that names what does not exist, before anything heavy is imported.

    Args:
        cfg: the composed config.
        allowed: the config of the same group choices without any other override: its keys are those that exist.

    Raises:
        UserError: a key that its class does not take, a key outside all groups, or a value still missing.
    """
    plain = OmegaConf.to_container(cfg, resolve=False)
    for group in ("dataset", "features", "augment", "model", "optimizer", "trainer", "logger"):
        if not isinstance(plain.get(group), dict):
            raise UserError(f"{group} has no choice: give one of {', '.join(choices(group))}.")
    if missing := next(_missing(plain), None):
        raise UserError(f"{missing} has no value yet: give it on the command line, {missing}=...")
    if not is_search(cfg):
        plain.pop("search", None)  # with search=none, what an experiment says of its search is idle
    _check_keys(plain, OmegaConf.to_container(allowed, resolve=False))
    try:
        OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException as error:
        raise UserError(f"{error.full_key}: {error.msg.splitlines()[0]}.") from None


def completed(cfg: DictConfig) -> DictConfig:
    """The config of a run, with the defaults of keys that came later than the version that began it."""
    defaults = OmegaConf.to_container(compose([]), resolve=True)
    for group in ("logger", "search"):  # other choices have other keys
        del defaults[group]
    return OmegaConf.create(_completed(OmegaConf.to_container(cfg), defaults))


def _completed(node: dict, defaults: dict) -> dict:
    both = {name for name in node.keys() & defaults.keys() if _is_plain(node[name]) and _is_plain(defaults[name])}
    return defaults | {name: _completed(node[name], defaults[name]) if name in both else node[name] for name in node}


def _is_plain(node: Any) -> bool:
    """Whether it is a mapping of ours; classes have defaults of their own."""
    return isinstance(node, dict) and "_target_" not in node


def check_words(cfg: DictConfig) -> None:
    """Refuse a setting that is neither of its two words.

    Raises:
        UserError: as it says.
    """
    for key, words in WORDS.items():
        if (chosen := OmegaConf.select(cfg, key)) not in words:
            raise UserError(f"{key}={chosen} is neither {' nor '.join(words)}.")


def check_group(cfg: DictConfig, group: str, allowed: DictConfig) -> None:
    """As `check`, but only the keys of one group.

    Raises:
        UserError: a key that does not exist, or a value of another kind.
    """
    plain, known = (OmegaConf.to_container(one, resolve=False) for one in (cfg, allowed))
    _check_keys({group: plain[group]}, {group: known[group]})


def is_search(cfg: DictConfig) -> bool:
    """Whether the config has one of the choices of `search`."""
    return OmegaConf.select(cfg, "search.method._target_") is not None


def _missing(node: Any, path: str = "") -> Iterator[str]:
    """Paths of the values that are still `???`."""
    if node == "???":
        yield path
    for name, value in node.items() if isinstance(node, dict) else ():
        yield from _missing(value, f"{path}.{name}".lstrip("."))


def _check_keys(node: dict, allowed: dict, path: tuple[str, ...] = ()) -> None:
    target = node.get("_target_")
    known = _arguments(target, path) if target else None
    for name, value in node.items():
        where = ".".join((*path, name))
        is_group = isinstance(value, dict) and "_target_" in value and name in allowed  # such as optimizer.schedule
        if known is not None and name not in known and not name.startswith("_") and not is_group:
            taken = ", ".join(sorted(known))
            raise UserError(
                f"{where}: {target} takes no argument {name}.{nearest(name, known)} It takes {taken or 'none'}."
            )
        if not target and allowed and name not in allowed:
            raise UserError(f"{where} is no key of this config.{nearest(name, allowed)} It has {', '.join(allowed)}.")
        if value is None and not target and isinstance(allowed.get(name), int | float | list):
            kind = "a list" if isinstance(allowed[name], list) else "a number"
            raise UserError(f"{where}=null should be {kind}, such as {allowed[name]}.")
        if "str" not in (known or {}).get(name, ""):
            _check_kind(where, value, allowed.get(name))
        # a mapping that is an argument is the class's own business
        if isinstance(value, dict) and ("_target_" in value or not target):
            _check_keys(value, allowed.get(name) or {}, (*path, name))
        for place, item in _items(value, (*path, name)):
            _check_keys(item, {}, place)


def _items(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict]]:
    """The mappings in a list, and in the lists in it, each with its path."""
    for i, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield (*path, str(i)), item
        yield from _items(item, (*path, str(i)))


def _check_kind(where: str, value: Any, default: Any) -> None:
    """A word where the config has a number, a list or a switch is a slip; None and interpolations are not judged."""
    if value is None or (isinstance(value, str) and "${" in value):
        return
    for kinds, words in (((bool,), "true or false"), ((int, float), "a number"), ((list,), "a list")):
        if isinstance(default, kinds):
            if not isinstance(value, kinds):
                raise UserError(f"{where}={value} should be {words}, such as {json.dumps(default)}.")
            return


def _arguments(target: str, path: tuple[str, ...]) -> dict[str, str] | None:
    """What the YAML may give the target, each with its annotation; None where it takes anything."""
    try:
        known = signature(target)
    except LookupError as error:
        raise UserError(f"{'.'.join(path)}._target_={target}: {error}.") from None
    if known is None or known.open:
        return None
    return {name: kind for name, kind in known.arguments.items() if name not in supplied(path)}


def build(node: DictConfig | dict, **supplied: Any) -> Any:
    """Make the object a config node describes.

    `supplied` are the arguments that only the program knows; a class of asrx that does not name one does without it.

    Raises:
        UserError: the class refused its arguments.
    """
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    if not isinstance(node, DictConfig | dict) or "_target_" not in node:
        raise UserError(f"{node} stands where the config needs a class: write {{_target_: asrx. ...}} instead.")
    arguments = {name: value for name, value in node.items() if not _is_component(value)}
    if node["_target_"].startswith("asrx."):
        supplied = {name: value for name, value in supplied.items() if name in signature(node["_target_"]).arguments}
    try:
        # not through instantiate: OmegaConf would read transcripts as config, and take its time
        return instantiate(arguments, _convert_="all", _partial_=True)(**supplied)
    except UserError:
        raise
    except Exception as error:
        cause = error.__cause__ if isinstance(error, InstantiationException) else error
        raise UserError(f"{node['_target_']} cannot be made: {str(cause).splitlines()[0].rstrip('.!')}.") from error


def component(node: DictConfig) -> type:
    """The class that a config node describes."""
    from hydra.utils import get_class

    return get_class(node._target_)


def _is_component(value: Any) -> bool:
    """A nested group, such as optimizer.schedule, is built on its own."""
    return isinstance(value, DictConfig) and "_target_" in value


def digest(cfg: DictConfig, data: str) -> str:
    """Twelve hex digits that name a result: of every setting that affects it, and of the data's fingerprint."""
    settings = OmegaConf.to_container(cfg, resolve=True)
    settings = {name: value for name, value in settings.items() if name not in INDIFFERENT}
    settings["trainer"].pop("enable_progress_bar", None)
    settings["dataset"] = {name: settings["dataset"][name] for name in DATASET_SETTINGS}
    return hashlib.sha256(json.dumps([settings, data], sort_keys=True).encode()).hexdigest()[:12]

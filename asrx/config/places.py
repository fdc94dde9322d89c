"""Where the files of the config are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple


class Chosen(NamedTuple):
    """A YAML file that is part of a config: its path, its name such as `augment/noise`, that of the file that chose it,
    and the key that its content goes under."""

    path: Path
    name: str
    parent: str
    package: str


def home() -> Path:
    """The folder that holds conf/ and experiments/: the package in an installed wheel, its parent in a checkout."""
    package = Path(__file__).parents[1]
    return package if (package / "conf").is_dir() else package.parent


def files(overrides: Sequence[str]) -> Iterator[Chosen]:
    """Those that a command's config is made of, in their order; Hydra must have been set up."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import RunMode

    loader = GlobalHydra.instance().config_loader()
    for default in loader.compute_defaults_list("config", list(overrides), RunMode.RUN).defaults:
        name = default.config_path or ""
        paths = (folder / f"{name}.yaml" for folder in (home() / "conf", home(), Path()))
        if path := next((path for path in paths if path.is_file()), None):  # Hydra has its own from elsewhere
            yield Chosen(path, name, default.parent or "", default.package or "")

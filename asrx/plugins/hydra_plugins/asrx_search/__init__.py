"""The sweeper that search=grid, search=random and search=tpe choose. Hydra finds it here, and nowhere else.

This is imported by every command that uses Hydra, so it imports nothing else.
"""

from __future__ import annotations

from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class SearchSweeper(Sweeper):
    """Hands a sweep to asrx.search."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from hydra.core.plugins import Plugins

        self.config = config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        from asrx.search.command import sweep

        return sweep(self.config, self.launcher, arguments)


ConfigStore.instance().store(
    group="hydra/sweeper",
    name="asrx",
    node={"_target_": "hydra_plugins.asrx_search.SearchSweeper"},
    provider="asrx",
)

"""Ships conf/ and experiments/ inside the wheel; an editable install reads them from the checkout."""

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConfHook(BuildHookInterface):
    def initialize(self, version, build_data):
        if version == "standard":
            build_data["force_include"].update(
                {
                    "conf": "asrx/conf",
                    "experiments": "asrx/experiments",
                    "asrx/plugins/hydra_plugins": "hydra_plugins",
                }
            )

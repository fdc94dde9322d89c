"""The command `python -m asrx`: help, the config's first check, then a run or a sweep; or another command by name."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from asrx.commands.answer import INTERRUPTED, answered

VERBS = ("compare", "evaluate", "explore", "export", "render", "results", "stream", "transcribe")


def main() -> None:
    """Entry point. Nothing heavier than Hydra is imported before the config is composed and checked."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] in VERBS:
        sys.argv = [f"asrx {arguments[0]}", *arguments[1:]]
        import_module(f"asrx.commands.{arguments[0]}").main()
        return
    if {"-h", "--help"} & set(arguments):
        from asrx.commands.usage import usage

        print(usage())
        return
    with answered(arguments):
        _hydra(arguments)


def _hydra(arguments: list[str]) -> None:
    import hydra

    from asrx.config.compose import set_up_hydra, spelled
    from asrx.config.hydra_settings import check_hydra
    from asrx.config.places import home
    from asrx.config.preflight import check_resume

    arguments = spelled(arguments)
    moved = check_resume(arguments)
    check_hydra(arguments)
    sys.argv[1:] = [argument for argument in arguments if argument not in moved]
    set_up_hydra()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors reach explain() instead of being printed by Hydra

    @hydra.main(version_base="1.3", config_path=str(home() / "conf"), config_name="config")
    def job(cfg):
        return _job(cfg, moved)

    job()


def _job(cfg, moved: list[str]) -> float | str | None:
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    from asrx.config.preflight import checked
    from asrx.training.run import run
    from asrx.types import UserError

    hydra = HydraConfig.get()
    if "worker" in cfg.search:
        from asrx.search.worker import work

        # joblib's workers would outlive the command
        parent = os.getppid() if "joblib" in hydra.launcher._target_ else None
        return work(Path(cfg.search.dir), hydra.job.num, parent)
    folder = Path(hydra.runtime.output_dir)
    try:
        overrides = OmegaConf.to_container(hydra.overrides.task)  # one may be an interpolation, of the config
        best = run(checked(cfg, moved), folder, [*overrides, *moved])
    except UserError as error:
        _remove_empty(folder)
        if hydra.mode == RunMode.MULTIRUN:
            raise  # the other jobs of the sweep go on
        sys.exit(f"asrx: {error}")  # as an exception, Hydra would print its own line before it
    if best is None:
        sys.exit(INTERRUPTED)  # a sweep stops too
    return best


def _remove_empty(folder: Path) -> None:
    """Remove a folder that holds nothing but the empty log that Hydra made with it."""
    with suppress(OSError):
        log = folder / "asrx.log"
        if [*folder.iterdir()] == [log] and not log.stat().st_size:
            log.unlink()
            folder.rmdir()


if __name__ == "__main__":
    main()

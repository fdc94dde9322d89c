"""The command `python -m asrx`: help, the config's first check, then a run or a sweep; or another command by name."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from asrx.commands.answer import INTERRUPTED, answer, answered

VERBS = (
    *("compare", "evaluate", "explain", "explore", "export", "lm", "profile", "prune", "render", "results", "serve"),
    *("stream", "transcribe", "watch"),
)


def main() -> None:
    """Entry point. Nothing heavier than Hydra is imported before the config is composed and checked."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] in VERBS:
        sys.argv = [f"asrx {arguments[0]}", *arguments[1:]]
        import_module(f"asrx.commands.{arguments[0]}").main()
        return
    if "--version" in arguments:
        print(f"asrx {version('asrx')}")
        return
    if {"-h", "--help"} & set(arguments):
        from asrx.commands.usage import usage

        with answered(arguments):
            print(usage())
        return
    with answered(arguments, trains=True):
        _check_command(arguments)
        _hydra(arguments)


def _check_command(arguments: list[str]) -> None:
    """Refuse a first word that is neither a command nor a change to the config.

    Raises:
        UserError: it is none.
    """
    from asrx.config.compose import nearest
    from asrx.types import UserError

    word = next(iter(arguments), "-")
    if "=" not in word and word[:1] not in ("-", "~"):
        raise UserError(
            f"there is no command {word}.{nearest(word.lower(), VERBS)} The commands are {', '.join(VERBS)}; a change "
            "to the config is KEY=VALUE; see python -m asrx --help."
        )


def _hydra(arguments: list[str]) -> None:
    import hydra

    from asrx.config.compose import set_up_hydra, spelled
    from asrx.config.hydra_settings import check_hydra
    from asrx.config.places import home
    from asrx.config.preflight import check_names, check_resume

    check_names(arguments)
    # Hydra takes options before or after all overrides, not between them
    arguments = spelled(sorted(arguments, key=lambda a: not a.startswith("-") and ("=" in a or a.startswith("~"))))
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
    from asrx.config.saved import read_config
    from asrx.training.ranks import forget_ranks, take_ranks
    from asrx.training.run import alone, left_empty, run
    from asrx.types import UserError

    hydra = HydraConfig.get()
    if "worker" in cfg.search:
        forget_ranks()
        from asrx.search.worker import work

        # joblib's workers would outlive the command
        parent = os.getppid() if "joblib" in hydra.launcher._target_ else None
        return work(Path(cfg.search.dir), hydra.job.num, parent)
    folder = Path(hydra.runtime.output_dir)
    overrides = OmegaConf.to_container(hydra.overrides.task)  # one may be an interpolation, of the config
    try:
        take_ranks(cfg if cfg.resume is None else read_config(Path(cfg.resume)))
        with alone(folder), left_empty(folder):
            best = run(checked(cfg, moved), folder, [*overrides, *moved])
    except Exception as error:
        sentence = answer(error, overrides, folder)
        if hydra.mode == RunMode.MULTIRUN:
            raise UserError(sentence) from error  # the other jobs of the sweep go on
        sys.exit(f"asrx: {sentence}")  # as an exception, Hydra would print its own line before it
    if best is None:
        sys.exit(INTERRUPTED)  # a sweep stops too
    return best


if __name__ == "__main__":
    main()

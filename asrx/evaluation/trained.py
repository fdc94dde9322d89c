"""A run that was trained, loaded from its folder to be used again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from asrx.config.check import check_words, checked
from asrx.config.compose import compose
from asrx.config.saved import completed
from asrx.data.prepare import prepare
from asrx.report.files import read_json
from asrx.training.stopwatch import Stopwatch
from asrx.types import UserError, Utterance

if TYPE_CHECKING:
    from asrx.data.module import DataModule
    from asrx.training.system import System


class Trained(NamedTuple):
    """A run's config, its model with the weights that it tested, in evaluation mode on the CPU, and its data."""

    cfg: DictConfig
    system: System
    data: DataModule


def config_of(folder: Path, overrides: Sequence[str]) -> DictConfig:
    """The config of a run, with what the overrides change in it.

    Args:
        folder: of the run.
        overrides: as on the command line of `python -m asrx`, after those that the run was started with.

    Raises:
        UserError: the folder holds no run, or the overrides name what does not exist.
    """
    if not (folder / "config.yaml").exists():
        raise UserError(f"{folder}: there is no run in that folder (config.yaml is missing).")
    cfg = OmegaConf.to_container(completed(OmegaConf.load(folder / "config.yaml")))
    if overrides:
        # config.yaml is resolved: what an override changes elsewhere, through interpolation, only composing tells
        own = list(OmegaConf.load(folder / "overrides.yaml"))
        before, after = compose(own), checked([*own, *overrides])
        _carry_over(OmegaConf.to_container(before, resolve=True), OmegaConf.to_container(after, resolve=True), cfg)
    return OmegaConf.create(cfg)


def _carry_over(before: dict[str, Any], after: dict[str, Any], cfg: dict[str, Any]) -> None:
    """Change in `cfg` what differs between two other configs."""
    for name in before.keys() - after.keys():
        cfg.pop(name, None)
    for name, value in after.items():
        if all(isinstance(node.get(name), dict) for node in (before, after, cfg)):
            _carry_over(before[name], value, cfg[name])
        elif name not in before or before[name] != value:
            cfg[name] = value


def load(folder: Path, cfg: DictConfig) -> Trained:
    """Build a run's model and data anew, and give the model the weights of best.ckpt, or last.ckpt if `tested` says so.

    Args:
        folder: of the run; utterances that cannot be used are listed in evaluation_bad_utterances.jsonl there.
        cfg: of `config_of`.

    Raises:
        UserError: the data cannot be had, or the checkpoint is missing or belongs to another model.
    """
    check_words(cfg)
    checkpoint = folder / f"{cfg.tested}.ckpt"
    if not (read_json(folder / "metrics.json", missing={"test": None})["test"] and checkpoint.exists()):
        raise UserError(
            f"{folder} holds no {checkpoint.name} of a finished run: finish it first, python -m asrx resume={folder}."
        )
    utterances, store = prepare(cfg)
    own = config_of(folder, [])
    if (cfg.dataset, cfg.augment.offline) != (own.dataset, own.augment.offline):  # its parts may be others
        _check_unheard(folder, cfg.test_part, utterances, prepare(own)[0])

    import torch

    from asrx.training.assembly import assemble, data_of

    system = assemble(cfg, [u.text for u in utterances if u.split == "train"], Stopwatch())
    try:
        state = torch.load(checkpoint, "cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds, which depend on what the file holds instead
        raise UserError(f"{checkpoint} cannot be read: it is damaged, and the run has to be made anew.") from error
    if state["asrx"]["labels"] != system.objective.labels:
        raise UserError(f"{checkpoint} has other labels than the training data: give the run's own corpus.")
    try:
        system.load_state_dict(state["state_dict"])
    except RuntimeError as error:
        raise UserError(f"{checkpoint} belongs to another model: leave out overrides that change its shape.") from error
    data = data_of(cfg, utterances, store, system, folder / "evaluation_bad_utterances.jsonl")
    return Trained(cfg, system.eval(), data)


def _check_unheard(folder: Path, part: str, utterances: Sequence[Utterance], own: Sequence[Utterance]) -> None:
    """Refuse to test on what the run was trained on, unless it did so itself, as some published experiments do."""
    heard, tested = (
        {(u.audio, u.offset) for u in own if u.split in splits} for splits in (("train",), ("val", "test"))
    )
    tests = [u for u in utterances if u.split == part]
    if known := [u.id for u in tests if (u.audio, u.offset) in heard - tested]:
        raise UserError(
            f"{folder} was trained on {len(known)} of the {len(tests)} utterances of this {part} part, such as "
            f"{known[0]}: leave dataset.split and dataset.corpus as they were."
        )

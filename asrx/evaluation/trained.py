"""A run that was trained, loaded from its folder to be used again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from omegaconf import DictConfig

from asrx.checkpoint import read_checkpoint
from asrx.config.saved import completed, literal, read_config
from asrx.config.values import check_words
from asrx.data.prepare import Prepared, prepare
from asrx.report.files import read_metrics, read_recordings
from asrx.report.terminal import resuming
from asrx.training.ancestry import ENHANCER, check_unheard, heard_before
from asrx.types import UserError

if TYPE_CHECKING:
    from asrx.data.module import DataModule
    from asrx.training.pipeline import Pipeline


class Model(NamedTuple):
    """A config, and its pipeline with trained weights, in evaluation mode on the CPU."""

    cfg: DictConfig
    pipeline: Pipeline


class Trained(NamedTuple):
    """A run's config, its model, and the data that it is evaluated on."""

    cfg: DictConfig
    pipeline: Pipeline
    data: DataModule


def load_model(path: str | Path, cfg: DictConfig | None = None, texts: Sequence[str] = ()) -> Model:
    """A trained model, from nothing but a checkpoint.

    Args:
        path: the checkpoint, or a run folder, which stands for the checkpoint that the run tested.
        cfg: what to build the model from instead of the config in the checkpoint; its shape must be the same.
        texts: of the training part; without them, the words that the checkpoint names are those of the training.

    Raises:
        UserError: there is no checkpoint, it cannot be read, or it belongs to another model.
    """
    from asrx.training.pipeline import build_pipeline

    path = Path(path)
    checkpoint = path / f"{_tested(path)}.ckpt" if path.is_dir() else path
    state = read_checkpoint(checkpoint)
    cfg = cfg or completed(literal(state["asrx"]["config"]))
    card = state["asrx"]
    kept = card.get("vocabulary"), card.get("enhancer")
    pipeline = build_pipeline(cfg, texts, card["labels"], card.get("words"), *kept)
    prefix = "pipeline."
    weights = {name.removeprefix(prefix): w for name, w in state["state_dict"].items() if name.startswith(prefix)}
    if pipeline.enhancer is not None and not pipeline.enhancer.kept:  # the config names another one
        own = {f"enhancer.{name}": w for name, w in pipeline.enhancer.state_dict().items()}
        weights = {name: w for name, w in weights.items() if not name.startswith("enhancer.")} | own
    try:
        pipeline.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(f"{checkpoint} belongs to another model: leave out overrides that change its shape.") from error
    pipeline.objective.decoder.temperature = card.get("temperature", 1.0)
    return Model(cfg, pipeline.eval())


def _tested(folder: Path) -> str:
    """Which of a run folder's checkpoints counts."""
    return read_config(folder).get("tested", "best") if (folder / "config.yaml").exists() else "best"


def load(folder: Path, cfg: DictConfig) -> Trained:
    """A run's model, and the data that a config names.

    Args:
        folder: of the run; utterances that cannot be used are listed in evaluation_bad_utterances.jsonl there.
        cfg: of `asrx.config.saved.config_of`.

    Raises:
        UserError: the run was not finished, its checkpoint is missing or belongs to another model, the data cannot be
            had, or the run was trained on it.
    """
    check_words(cfg)
    checkpoint = folder / f"{cfg.tested}.ckpt"
    if not (read_metrics(folder)["test"] and checkpoint.exists()):
        raise UserError(
            f"{folder} holds no {checkpoint.name} of a finished run: finish it first with python -m asrx "
            f"{resuming(folder)}."
        )
    prepared = _prepared(cfg)
    _check_unheard(folder, cfg.test_part, prepared)
    check_unheard(cfg, prepared, heard_before(cfg, [ENHANCER]))
    texts = [u.text for u in prepared.utterances if u.split == "train"]
    pipeline = load_model(checkpoint, cfg, texts).pipeline

    from asrx.training.assembly import data_of

    listing = folder / "evaluation_bad_utterances.jsonl"
    data = data_of(cfg, prepared, pipeline.objective, pipeline.out_len, listing)
    return Trained(cfg, pipeline, data)


def _prepared(cfg: DictConfig) -> Prepared:
    try:
        return prepare(cfg)
    except UserError as error:
        places = {key: cfg.dataset.get(key) for key in ("root", "train", "val", "test")}
        for key, place in places.items():
            if isinstance(place, str) and not Path(place).expanduser().exists():
                raise UserError(f"{error} If it was moved, say where it is now: dataset.{key}=...") from None
        raise


def _check_unheard(folder: Path, part: str, prepared: Prepared) -> None:
    """Refuse to test on what the run was trained on, and say so where it did that itself, as some published experiments
    do, or where what validated it is tested on."""
    own, tested = read_recordings(folder), prepared.recordings(part)
    new = {source: name for source, name in tested.items() if source not in own[part]}
    if known := [name for source, name in new.items() if source in own["train"]]:
        raise UserError(
            f"{folder} was trained on {len(known)} of the {len(tested)} recordings of this {part} part, such as "
            f"{known[0]}: give recordings that it has not heard."
        )
    known = [name for source, name in tested.items() if source in own["train"]]
    chose = [name for source, name in new.items() if source in own["val"]]
    for names, what in ((known, "trained"), (chose, "validated")):
        if names:
            print(
                f"{len(names)} of the {len(tested)} recordings of this {part} part {what} {folder}, such as {names[0]}."
            )

"""What the model that a run begins with was trained on."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from asrx.data.prepare import Prepared
from asrx.report.files import RECORDINGS, read_recordings
from asrx.types import UserError


def heard_before(cfg: DictConfig) -> set[int]:
    """The sources (see the waveform store) of what the checkpoint of `model.init` was trained on, and the one that it
    began with, as its run folder says; none where a run begins with weights of its own.

    Raises:
        UserError: they cannot be read.
    """
    begun_with = cfg.model.init
    checkpoint = begun_with.get("checkpoint") if OmegaConf.is_dict(begun_with) else None
    if checkpoint is None:
        return set()
    folder = Path(checkpoint).expanduser().parent
    if (folder / RECORDINGS).exists():
        return read_recordings(folder)["train"]
    print(
        f"model.init.checkpoint={checkpoint}: no {RECORDINGS} beside it says what it was trained on; if any of it is "
        "tested on here, the figures will be too good."
    )
    return set()


def check_unheard(cfg: DictConfig, prepared: Prepared, heard: set[int]) -> None:
    """Refuse to validate or test on what the model has heard, unless it is meant.

    Raises:
        UserError: as it says.
    """
    for part in ("val", "test"):
        recordings = prepared.recordings(part)
        if known := [name for source, name in recordings.items() if source in heard]:
            found = (
                f"model.init.checkpoint={cfg.model.init.checkpoint} was trained on {len(known)} of the "
                f"{len(recordings)} recordings of this {part} part, such as {known[0]}"
            )
            if cfg.dataset.shared != "allow":
                raise UserError(f"{found}: begin with another, or mean it with dataset.shared=allow.")
            print(f"{found}.")

"""What the model that a run begins with was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from asrx.data.prepare import Prepared
from asrx.report.files import RECORDINGS, read_recordings
from asrx.types import UserError

ENHANCER = "features.enhance.run"
BEGUN_WITH = ("model.init.checkpoint", ENHANCER)


def heard_before(cfg: DictConfig, keys: Sequence[str] = BEGUN_WITH) -> dict[str, set[int]]:
    """What other runs that a config names were trained on, and those that they began with: the sources (see the
    waveform store), as the folder of each says, by the key and the value that name it.

    Args:
        cfg: the composed config.
        keys: that may name one.

    Raises:
        UserError: they cannot be read.
    """
    found = {}
    for key in keys:
        if (given := OmegaConf.select(cfg, key)) is None:
            continue
        path, told = Path(given).expanduser(), f"{key}={given}"
        folder = path if path.is_dir() else path.parent
        if (folder / RECORDINGS).exists():
            found[told] = read_recordings(folder)["train"]
            continue
        print(
            f"{told}: no {RECORDINGS} beside it says what it was trained on; if any of it is tested on here, the "
            "figures will be too good."
        )
    return found


def check_unheard(cfg: DictConfig, prepared: Prepared, heard: dict[str, set[int]]) -> None:
    """Refuse to validate or test on what the model has heard, unless it is meant.

    Raises:
        UserError: as it says.
    """
    for part in ("val", "test"):
        recordings = prepared.recordings(part)
        for told, own in heard.items():
            if known := [name for source, name in recordings.items() if source in own]:
                found = (
                    f"{told} was trained on {len(known)} of the {len(recordings)} recordings of this {part} part, such "
                    f"as {known[0]}"
                )
                if cfg.dataset.shared != "allow":
                    raise UserError(f"{found}: begin with another, or mean it with dataset.shared=allow.")
                print(f"{found}.")

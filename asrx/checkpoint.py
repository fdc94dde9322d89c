"""Files that training leaves behind, which may be damaged or a stranger's."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from asrx.types import UserError


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint of asrx holds: tensors and plain data. Nothing in it is executed.

    Raises:
        UserError: there is none, or it is not one.
    """
    import torch

    if not path.is_file():
        raise UserError(f"{path}: there is no such checkpoint; name a run folder, or the best.ckpt of one.")
    try:
        with warnings.catch_warnings(action="ignore"):  # of a file that is something else
            state = torch.load(path, "cpu", weights_only=True)
        with ZipFile(path) as archive:
            if changed := archive.testzip():  # torch does not look
                raise ValueError(changed)
        state["asrx"]["config"], state["asrx"]["labels"], state["state_dict"]
    except Exception as error:  # torch raises many kinds, which depend on what the file holds instead
        raise UserError(f"{path} cannot be read: it is damaged or no checkpoint of asrx; make it anew.") from error
    return state

"""What a smaller model costs in accuracy, and what it gains in speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from asrx.evaluation.trained import Trained
from asrx.export.parity import Exported, accuracy, parity
from asrx.types import UserError


def measured(exported: Exported, trained: Trained, waves: Sequence[torch.Tensor]) -> dict[str, float]:
    """Figures of the validation part, and the median milliseconds for a recording as `ms`.

    Args:
        exported: the model.
        trained: the run whose validation part it is.
        waves: (T,) recordings to answer one at a time.
    """
    figures = accuracy(exported, trained, "val")
    shown = {key: figures[key] for key in ("accuracy", "wer", "cer") if key in figures}
    return shown | {"ms": parity(exported, waves).onnx_ms}


def check_tolerance(
    before: Mapping[str, float], after: Mapping[str, float], tolerance: float, what: str, remedy: str
) -> None:
    """Refuse a smaller model that is much worse.

    Args:
        before, after: of `measured`.
        tolerance: percent, of the error before, that may be added.
        what: makes the model smaller.
        remedy: what else to do than to allow more.

    Raises:
        UserError: it costs more accuracy than is tolerated.
    """
    key = next(key for key in ("wer", "accuracy") if key in before)
    wrong, more = (1 - row[key] if key == "accuracy" else row[key] for row in (before, after))
    if more > wrong * (1 + tolerance / 100) + 1e-9:
        raise UserError(
            f"{what} raises the error of the validation part from {100 * wrong:.2f} to {100 * more:.2f} %, more than "
            f"{tolerance:g} % of it: {remedy}, or allow more with --tolerance."
        )

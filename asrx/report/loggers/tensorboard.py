"""TensorBoard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities import rank_zero_only

from asrx.report.errors import judge, kind_of
from asrx.report.folder import read_run
from asrx.report.loggers import MAX_ROWS


class TensorBoard(TensorBoardLogger):
    """Event files in `tensorboard/` of the run folder.

    Args:
        folder: the run folder.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(save_dir=folder, name="", version="tensorboard", default_hp_metric=False)

    @rank_zero_only
    def log_results(self, folder: Path) -> None:
        """Adds the figures of the part that was tested as `test/...` or `val/...` scalars, the config and the errors as
        text, and closes the event file.

        Raises:
            UserError: the run folder is incomplete.
        """
        run = read_run(folder)
        kind = kind_of(run)
        step = int(run.epochs[-1]["step"] or 0) if run.epochs else 0
        for name, value in run.figures().items():
            self.experiment.add_scalar(name, value, step)
        self.experiment.add_text("config", f"```\n{run.config}\n```", step)
        if run.predictions:
            columns, rows = kind.table(judge(kind, run.predictions))
            self.experiment.add_text("errors", _markdown(columns, rows[:MAX_ROWS]), step)
        self.experiment.close()


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    cells = [columns, ["---"] * len(columns), *rows]
    return "\n".join("|" + "|".join(str(cell).replace("|", "\\|") for cell in row) + "|" for row in cells)

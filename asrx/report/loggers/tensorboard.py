"""TensorBoard."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities import rank_zero_only
from torch import nn

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
    def log_results(self, folder: Path, pipeline: nn.Module, example: tuple[torch.Tensor, torch.Tensor]) -> None:
        """Adds the figures of the part that was tested as `test/...` or `val/...` scalars, the config and the errors as
        text, histograms of the weights and the graph of the model, and closes the event file.

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
        self._draw(pipeline, example, step)
        self.experiment.close()

    def _draw(self, pipeline: nn.Module, example: tuple[torch.Tensor, torch.Tensor], step: int) -> None:
        for name, weights in pipeline.named_parameters():
            self.experiment.add_histogram(f"weights/{name}", weights, step)
        with warnings.catch_warnings():  # of what a trace holds fast, which is for running it on other inputs
            warnings.simplefilter("ignore")
            self.experiment.add_graph(pipeline, example)


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    cells = [columns, ["---"] * len(columns), *rows]
    return "\n".join("|" + "|".join(str(cell).replace("|", "\\|") for cell in row) + "|" for row in cells)

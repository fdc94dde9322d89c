"""The command `python -m asrx prune`: a trained model made smaller, and trained on.

    python -m asrx prune RUN_FOLDER smaller                           # half of the weights become zero
    python -m asrx prune RUN_FOLDER smaller --kind structured         # half of the channels and units go: faster too
    python -m asrx prune RUN_FOLDER smaller --amount 0.8 --epochs 10 optimizer.lr=1e-3

`smaller` is a run folder like any other: it is trained by the run's own config, which KEY=VALUE changes as for
`python -m asrx`, and can be evaluated and exported. The table at the end compares the two. The same command goes on
with a training that was interrupted.
"""

from __future__ import annotations

import sys
from pathlib import Path

from asrx.commands.answer import INTERRUPTED, answered
from asrx.commands.arguments import Parser
from asrx.types import UserError


def main() -> None:
    """Entry point; errors are answered as `python -m asrx` does."""
    changes: list[str] = []
    with answered(changes, trains=True):
        chosen = _arguments().parse_intermixed_args()
        changes += chosen.changes
        if not 0 <= chosen.tolerance < float("inf"):
            raise UserError(f"--tolerance {chosen.tolerance:g} should be a number of percent from 0, such as 5.")
        if odd := next((change for change in changes if "=" not in change), None):
            raise UserError(f"{odd} is no change to a config: write KEY=VALUE.")
        from asrx.pruning.prune import check, prune, table

        report = prune(chosen.run, chosen.folder, chosen.amount, chosen.kind, chosen.epochs, changes)
        if report is None:
            sys.exit(INTERRUPTED)
        print(f"\n{table(report)}\n{chosen.folder}", flush=True)
        check(report, chosen.folder, chosen.tolerance)


def _arguments() -> Parser:
    parser = Parser("prune", __doc__)
    parser.add_argument("run", metavar="RUN_FOLDER", type=Path)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="of the smaller run; new, empty, or interrupted")
    parser.add_argument("changes", metavar="KEY=VALUE", nargs="*", help="changes to the run's config")
    parser.add_argument(
        "--kind",
        choices=("magnitude", "structured"),
        default="magnitude",
        help="the smallest weights become zero, or whole channels and units go",
    )
    parser.add_argument("--amount", metavar="SHARE", type=float, default=0.5, help="that goes; 0.5 by default")
    parser.add_argument("--epochs", metavar="N", type=int, help="of the training; the run's own number by default")
    parser.add_argument(
        "--tolerance", metavar="PERCENT", type=float, default=5.0, help="of the error, that may be added; 5 by default"
    )
    return parser

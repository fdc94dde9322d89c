"""The command `python -m asrx compare RUN_OR_SWEEP...`: what is best, and what may be as good.

    python -m asrx compare SWEEP
    python -m asrx compare RUN RUN SWEEP --into FOLDER

compares finished runs and the trials of sweeps on the utterances that they answered: a ranking with 95 % intervals and
paired tests against the best, learning curves and cost, and for a sweep its history, its parameters and their
importance. It writes compare.html (one offline page) and compare.csv, into the sweep folder where one sweep alone is
named and else into the folder it is given in, and prints the ranking.
"""

from __future__ import annotations

from pathlib import Path

from asrx.commands.answer import answered
from asrx.commands.arguments import Parser
from asrx.report.compare.comparison import compare
from asrx.report.sweep import is_sweep


def main() -> None:
    """Entry point; errors are answered as `python -m asrx` does."""
    parser = Parser("compare", __doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="RUN_OR_SWEEP", help="run folders and sweep folders")
    parser.add_argument("--into", type=Path, metavar="FOLDER", help="where to write compare.html and compare.csv")
    with answered([]):
        chosen = parser.parse_args()
        folders = list(dict.fromkeys(chosen.folders))
        alone = len(folders) == 1 and is_sweep(folders[0])
        print(compare(folders, chosen.into or (folders[0] if alone else Path())))

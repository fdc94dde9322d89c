"""The command `python -m asrx explore [PAGE.html] dataset=...`: a page to look at a data set before training on it.

    python -m asrx explore dataset=fsdd dataset.root=DIR augment=full
    python -m asrx explore digits.html dataset=fsdd features=mfcc

takes the overrides of `python -m asrx` and writes one HTML file, explore.html unless told otherwise: how many
utterances of each class and speaker there are, how long they are, how examples look and sound before and after
resampling, what the features make of them, and what each augmentation does to them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from asrx.commands.answer import answered
from asrx.types import UserError


def main() -> None:
    """Entry point; errors are answered as `python -m asrx` does."""
    arguments = sys.argv[1:]
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return
    named = arguments[:1] if arguments and "=" not in arguments[0] else []
    overrides = arguments[len(named) :]
    with answered(overrides):
        page = Path(*named or ["explore.html"])
        explore(page, overrides)
        print(page)


def explore(page: Path, overrides: list[str]) -> None:
    """Write the page of a data set.

    Args:
        page: the file to write; one that is there already is replaced.
        overrides: of the config, as on the command line.

    Raises:
        UserError: the page cannot be written, or the config or the data cannot be used.
    """
    from asrx.config.check import checked

    if page.suffix != ".html":
        raise UserError(
            f"{page} is no page to write: name one that ends in .html, or give overrides such as dataset=fsdd."
        )
    if not page.parent.is_dir():
        raise UserError(f"{page} cannot be written: there is no folder {page.parent}; make it, or name another.")
    if page.is_dir():
        raise UserError(f"{page} is a folder: name another file.")
    cfg = checked(overrides)
    if not isinstance(cfg.seed, int) or cfg.seed < 0:
        raise UserError(f"seed={cfg.seed} should be a whole number from 0.")

    from asrx.data.prepare import prepare

    utterances, store, _ = prepare(cfg)

    # only now: it imports torch, which takes longer than all checks before it
    from asrx.report.document import write
    from asrx.report.explore.page import explore_page

    text = explore_page(cfg, overrides, utterances, store)
    try:
        write(page, text)
    except OSError as error:
        raise UserError(f"{page} cannot be written ({error.strerror or error}): name another file.") from error

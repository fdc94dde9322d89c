"""What the commands' argument parsers share."""

from __future__ import annotations

import argparse
from typing import NoReturn

from asrx.types import UserError


class Parser(argparse.ArgumentParser):
    """Of a verb; what it cannot read is answered in one sentence.

    Args:
        verb: the command, `python -m asrx VERB`.
        description: what it does, with examples; printed as it stands.
    """

    def __init__(self, verb: str, description: str | None):
        shape = argparse.RawTextHelpFormatter
        super().__init__(f"python -m asrx {verb}", description=description, formatter_class=shape)

    def error(self, message: str) -> NoReturn:
        missing = "the following arguments are required: "
        if message.startswith(missing):  # of which argparse names those too that may be left out
            spare = {str(action.metavar) for action in self._actions if action.nargs in ("*", "?")}
            names = [name for name in message.removeprefix(missing).split(", ") if name not in spare]
            message = missing + ", ".join(names)
        raise UserError(f"{message}: see {self.prog} --help.")

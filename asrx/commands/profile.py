"""The command `python -m asrx profile`: what a trained model costs, in PyTorch, ONNX and with weights of eight bits.

    python -m asrx profile RUN_FOLDER                              # on this machine, on one thread and on all
    python -m asrx profile RUN_FOLDER --device raspberry-pi        # one thread, a quarter of a core, 1 GB
    python -m asrx profile RUN_FOLDER --device raspberry-pi --share 0.1 --watts 2

Parameters, multiply-adds, file size, seconds from the start of a process to its first answer, resident memory, latency
for clips of 1 to 30 s, sound answered in a second as the Open ASR leaderboard counts it (features and decoding
included, ten recordings to warm up), and energy where --watts or the machine's counters tell it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from asrx.commands.answer import answered
from asrx.commands.arguments import Parser
from asrx.profiling.devices import devices
from asrx.types import UserError


def main() -> None:
    """Entry point; errors are answered as `python -m asrx` does."""
    with answered([]):
        chosen = _arguments().parse_args()
        device = devices()[chosen.device]
        if chosen.share is not None:
            if not 0 < chosen.share <= 1:
                raise UserError(f"--share {chosen.share:g} should be a part of a core, above 0 and up to 1.")
            device = replace(device, threads=(1,), share=chosen.share)
        if chosen.watts is not None:
            if not 0 < chosen.watts < float("inf"):
                raise UserError(f"--watts {chosen.watts:g} should be a number above 0, such as 4.")
            device = replace(device, watts=chosen.watts)
        from asrx.profiling.profile import profile, table

        print(table(profile(chosen.model, device, chosen.recordings), device))


def _arguments() -> Parser:
    parser = Parser("profile", __doc__)
    parser.add_argument("model", metavar="RUN_FOLDER|CHECKPOINT", type=Path)
    parser.add_argument("--device", choices=tuple(devices()), default="here")
    parser.add_argument("--share", type=float, help="of one core of this machine, that the device has")
    parser.add_argument("--watts", type=float, help="that a core draws while it works")
    parser.add_argument(
        "--recordings", nargs="+", metavar="AUDIO", type=Path, default=[], help="to measure on, not the test part"
    )
    return parser

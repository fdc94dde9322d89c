"""The command `python -m asrx serve`: a trained model on the network.

    python -m asrx serve RUN_FOLDER                      # http://127.0.0.1:8000
    python -m asrx serve hello-asr --port 9000 --token SECRET
    python -m asrx serve RUN_FOLDER decode=lm decode.lm=talks.arpa
    python -m asrx serve RUN_FOLDER --tune               # what this machine can serve, and with which settings
    python -m asrx serve RUN_FOLDER --watch              # and says when recordings are not what it was tested on

POST /v1/audio/transcriptions and GET /v1/models as OpenAI's clients send them (json, text, verbose_json, srt, vtt); a
WebSocket at /ws with the messages of WeNet's protocol; /health; /metrics for Prometheus. Nothing but this machine
reaches it unless --host says so.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path

from asrx.commands.answer import answered
from asrx.commands.arguments import Parser
from asrx.types import UserError


def main() -> None:
    """Entry point; errors are answered as `python -m asrx` does."""
    overrides: list[str] = []
    with answered(overrides):
        chosen = _arguments().parse_intermixed_args()
        overrides += chosen.overrides
        if min(chosen.max_mb, chosen.max_seconds, chosen.max_waiting, chosen.max_streams) <= 0:
            raise UserError("--max-mb, --max-seconds, --max-waiting and --max-streams should be numbers above 0.")
        if chosen.max_rate < 0:
            raise UserError(f"--max-rate {chosen.max_rate} should be a whole number from 0, which lets all through.")
        if chosen.threads < 1:
            raise UserError(f"--threads {chosen.threads} should be a whole number from 1.")
        if chosen.tune:
            print(_tuned(chosen.model, overrides))
            return
        try:
            import uvicorn

            from asrx.serving.app import Limits, Server
        except ImportError as error:
            raise UserError(f"{error.name} is not installed: it is in the extra asrx[serve].") from error
        import torch

        from asrx.recognition.recognizer import load
        from asrx.watching.profile import read_profile

        limits = Limits(chosen.max_mb, chosen.max_seconds, chosen.max_waiting, chosen.max_streams, rate=chosen.max_rate)
        name = chosen.model.resolve().stem if chosen.model.is_file() else chosen.model.resolve().name
        reference = None if chosen.watch is None else (read_profile(chosen.model), chosen.watch)
        token = chosen.token or os.environ.get("ASRX_TOKEN")
        torch.set_num_threads(chosen.threads)
        server = Server(load(chosen.model, overrides=overrides), name, limits, token, reference)
        settings = uvicorn.Config(server.app(), chosen.host, chosen.port, log_level="warning", lifespan="on")
        try:
            listening = socket.create_server((chosen.host, chosen.port))
        except (OSError, OverflowError) as error:
            raise UserError(f"{chosen.host}:{chosen.port} cannot be had ({error}): name another, --port.") from error
        print(f"{name}: http://{chosen.host}:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(settings).run([listening])


def _tuned(model: Path, overrides: Sequence[str]) -> str:

    from asrx.evaluation.trained import load_model
    from asrx.export.recordings import own_data, waveforms
    from asrx.recognition.recognizer import load
    from asrx.serving.tune import table, tune

    waves, measured_on = waveforms(load_model(model).cfg, *own_data(model), ())
    return table(tune(load(model, overrides=overrides), waves, len(os.sched_getaffinity(0))), measured_on)


def _arguments() -> Parser:
    parser = Parser("serve", __doc__)
    parser.add_argument("model", metavar="RUN_FOLDER|CHECKPOINT|EXPORT", type=Path)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="changes to the config of a run")
    parser.add_argument("--host", default="127.0.0.1", help="127.0.0.1 by default, this machine alone")
    parser.add_argument("--port", type=int, default=8000, help="8000 by default; 0 takes one that is free")
    parser.add_argument("--token", help="that clients must send; also in ASRX_TOKEN")
    parser.add_argument("--threads", type=int, default=1, help="that compute one answer; 1")
    parser.add_argument("--tune", action="store_true", help="serve nothing: measure which settings are best here")
    parser.add_argument("--max-mb", type=float, default=25.0, help="of an upload; 25")
    parser.add_argument("--max-seconds", type=float, default=600.0, help="of a recording; 600")
    parser.add_argument("--max-waiting", type=int, default=64, help="uploads that wait; 64")
    parser.add_argument("--max-streams", type=int, default=64, help="at a time; 64")
    parser.add_argument("--max-rate", type=int, default=0, help="requests of a client in a minute; 0 bounds nothing")
    parser.add_argument(
        "--watch",
        nargs="?",
        type=int,
        const=100,
        metavar="N",
        help="compare each N uploads, 100 by default, with what the run was tested on",
    )
    return parser

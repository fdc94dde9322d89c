"""The command `python -m asrx stream`: what is said, while it is said.

    python -m asrx stream RUN_FOLDER talk.wav                         # as fast as it was spoken
    python -m asrx stream RUN_FOLDER talk.wav --fast                  # as fast as it can be computed
    python -m asrx stream RUN_FOLDER                                  # the microphone, until Ctrl-C
    arecord -q -f S16_LE -r 16000 -c 1 -t raw | python -m asrx stream RUN_FOLDER -

Lines of `...` are what was understood so far, and may change; a line with a time is an utterance that is over, after a
pause of 1.2 s or 20 s of speech. At the end stand the milliseconds of computing for each chunk, the delay that the
model has by construction, and the real-time factor. Standard input (-) is raw: 16 bits, one channel, at --rate.

A model of model=stream_ctc computes every frame once. Any other one computes the utterance that goes on anew with each
chunk, which takes the longer the longer it is.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from asrx.commands.answer import answered
from asrx.commands.arguments import Parser
from asrx.types import UserError

if TYPE_CHECKING:
    import numpy as np

    from asrx.recognition.streaming import Heard


def main() -> None:
    """Entry point; errors are answered as `python -m asrx` does."""
    with answered([]):
        chosen = _arguments().parse_intermixed_args()
        if not 0.01 <= chosen.chunk <= 10:
            raise UserError(f"--chunk {chosen.chunk:g} should be a number of seconds from 0.01 to 10, such as 0.1.")
        if chosen.rate is not None and (chosen.rate < 1 or chosen.audio != "-"):
            raise UserError(f"--rate {chosen.rate} is of standard input, -, and a number of Hz, such as 16000.")
        stream(chosen.model, chosen.audio, chosen.chunk, chosen.fast, chosen.rate)


def _arguments() -> Parser:
    parser = Parser("stream", __doc__)
    parser.add_argument("model", metavar="RUN_FOLDER|CHECKPOINT|EXPORT", type=Path)
    parser.add_argument("audio", nargs="?", metavar="AUDIO|-", help="a file; - for standard input; else the microphone")
    parser.add_argument("--chunk", metavar="SECONDS", type=float, default=0.1, help="that arrive at a time; 0.1")
    parser.add_argument("--fast", action="store_true", help="a file faster than it was spoken")
    parser.add_argument("--rate", metavar="HZ", type=int, help="of standard input; that of the model by default")
    return parser


def stream(model: Path, audio: str | None, chunk: float, fast: bool, rate: int | None) -> None:
    """Print what is said, and what it cost.

    Args:
        model: see `asrx.recognition.recognizer.load`.
        audio: a file; `-` for standard input; None for the microphone.
        chunk: s that arrive at a time.
        fast: whether a file is not to last as long as it does.
        rate: of standard input, in Hz; None is that of the model.

    Raises:
        UserError: there is no model, or the sound cannot be used.
    """
    import numpy as np

    from asrx.recognition import live, streaming
    from asrx.recognition.recognizer import load

    recognizer = load(model)
    listening, own = streaming.stream(recognizer), recognizer.sample_rate
    if audio is None:
        chunks = live.until_interrupted(live.microphone(own, chunk))
    elif audio == "-":
        chunks = live.until_interrupted(live.standard_input(own, chunk, rate or own))
    else:
        chunks = _played(Path(audio), own, chunk, fast)
    times, samples = [], 0
    for wave_T in chunks:
        start = time.perf_counter()
        heard = listening.accept(wave_T)
        times.append(time.perf_counter() - start)
        samples += len(wave_T)
        _show(heard)
    start = time.perf_counter()
    heard = listening.finish()
    times.append(time.perf_counter() - start)
    _show(heard)
    if not samples:
        raise UserError("No sound came: give a recording, or samples to standard input.")
    half, most = 1000 * np.percentile(times, [50, 95])
    seconds, delay = samples / own, 1000 * listening.delay
    print(
        f"{seconds:.1f} s in chunks of {1000 * chunk:g} ms: {half:.1f} ms of computing each (median), {most:.1f} ms at "
        f"p95; delay {delay:.0f} ms and the chunk; real-time factor {sum(times) / max(seconds, 1e-9):.3f}",
        file=sys.stderr,
    )


def _show(heard: list[Heard]) -> None:
    for news in heard:
        if news.final:
            print(f"{news.start:8.2f}  {news.text}", flush=True)
        else:
            print(f"     ...  {news.text}", flush=True)


def _played(path: Path, rate: int, chunk: float, fast: bool) -> Iterator[np.ndarray]:
    """The chunks of a file, each when it would have been spoken."""
    from asrx.recognition.sources import read

    wave_T, size = read(path, rate).wave_T, round(chunk * rate)
    begin = time.monotonic()
    for start in range(0, len(wave_T), size):
        part_T = wave_T[start : start + size]
        if not fast:
            time.sleep(max(0.0, begin + (start + len(part_T)) / rate - time.monotonic()))
        yield part_T

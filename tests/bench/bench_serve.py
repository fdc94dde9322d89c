"""Streams that one core serves in real time, what happens beyond that, and memory over a soak.

    python tests/bench/bench_serve.py RUN_FOLDER AUDIO... [--streams 1 4 16 64] [--soak 600]

The server has the first core, the streams come from the others: each plays one recording after the other at the pace of
speech, 100 ms a message. Late is the time from the last message of a recording to the end of its text. The soak keeps
the most streams that were answered within 300 ms at p95.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from asrx.recognition.sources import read

CHUNK, LATE = 0.1, 0.3  # s


async def spoken(url: str, wave_T: np.ndarray, rate: int) -> float | None:
    """Seconds from the last message to the end; None if the stream was refused."""
    size = round(CHUNK * rate)
    async with connect(url, max_queue=None) as socket:
        await socket.send(json.dumps({"signal": "start"}))
        if json.loads(await socket.recv())["status"] != "ok":
            return None
        begun = time.monotonic()
        for i, start in enumerate(range(0, len(wave_T), size), 1):
            await asyncio.sleep(max(0.0, begun + i * CHUNK - time.monotonic()))
            await socket.send(wave_T[start : start + size].tobytes())
        await socket.send(json.dumps({"signal": "end"}))
        done = time.monotonic()
        while json.loads(await socket.recv())["type"] != "speech_end":
            pass
        return time.monotonic() - done


async def load(url: str, waves: list[np.ndarray], rate: int, streams: int, seconds: float) -> list[float | None]:
    found: list[float | None] = []
    until = time.monotonic() + seconds

    async def speaker(number: int) -> None:
        draw = random.Random(number)
        await asyncio.sleep(draw.random())
        while time.monotonic() < until:
            try:
                found.append(await spoken(url, draw.choice(waves), rate))
            except (ConnectionClosed, OSError):
                found.append(None)
            if found[-1] is None:
                await asyncio.sleep(1)

    await asyncio.gather(*map(speaker, range(streams)))
    return found


def memory(process: subprocess.Popen) -> float:
    """Resident MB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def main(run: Path, audio: list[Path], counts: list[int], seconds: float, soak: float) -> None:
    first, *others = sorted(os.sched_getaffinity(0))
    call = ["taskset", "-c", str(first), sys.executable, "-m", "asrx", "serve", str(run), "--port", "0"]
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as server:
        os.sched_setaffinity(0, others or [first])
        address = re.search(r"//(\S+)", server.stdout.readline())[1]
        try:
            with urllib.request.urlopen(f"http://{address}/v1/models") as answer:
                rate = json.load(answer)["data"][0]["sample_rate"]
            waves = [read(path, rate).wave_T for path in audio]
            url, held = f"ws://{address}/ws", 1
            asyncio.run(load(url, waves, rate, 1, 5))
            for streams in counts:
                late = asyncio.run(load(url, waves, rate, streams, seconds))
                answered = [1000 * one for one in late if one is not None]
                half, most = np.percentile(answered, [50, 95])
                print(
                    f"{streams} streams: {len(answered)} recordings, late by {half:.0f} ms, {most:.0f} ms at p95; "
                    f"{len(late) - len(answered)} refused; {memory(server):.0f} MB",
                    flush=True,
                )
                if most <= 1000 * LATE and len(answered) == len(late):
                    held = max(held, streams)
            if soak:
                before = memory(server)
                late = asyncio.run(load(url, waves, rate, held, soak))
                answered = [1000 * one for one in late if one is not None]
                half, most = np.percentile(answered, [50, 95])
                print(
                    f"soak, {held} streams, {soak:.0f} s: {len(answered)} recordings, late by {half:.0f} ms, "
                    f"{most:.0f} ms at p95; {len(late) - len(answered)} refused; "
                    f"{before:.0f} MB before, {memory(server):.0f} MB after"
                )
        finally:
            server.terminate()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("audio", type=Path, nargs="+")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 4, 8, 16, 32, 64])
    parser.add_argument("--seconds", type=float, default=20.0, help="of each count")
    parser.add_argument("--soak", type=float, default=0.0)
    chosen = parser.parse_args()
    main(chosen.run, chosen.audio, chosen.streams, chosen.seconds, chosen.soak)

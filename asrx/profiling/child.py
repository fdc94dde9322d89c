"""One form of a model, measured in a process that does nothing else: `python -m asrx.profiling.child < request.json`.

The form in ONNX is asked through onnxruntime alone, as a product would ask it; the other through asrx and PyTorch.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from asrx.profiling.energy import joules

WARM_UP = 10  # recordings, as the Open ASR leaderboard has it
REPEATS, AT_LEAST, SECONDS = 20, 5, 4.0  # of one length: 20 times, or as often as fits into 4 s


def torch_answer(path: str, threads: int) -> Callable[[np.ndarray], object]:
    import torch

    from asrx.recognition.engines import TorchEngine

    torch.set_num_threads(threads)
    engine = TorchEngine(Path(path))

    def answer(wave_T: np.ndarray) -> object:
        return engine.decoder(*engine(torch.from_numpy(wave_T)[None], torch.tensor([len(wave_T)])))

    return answer


def onnx_answer(path: str, threads: int) -> Callable[[np.ndarray], object]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def answer(wave_T: np.ndarray) -> object:
        given = {"wave": wave_T[None], "lengths": np.array([len(wave_T)])}
        logp, _ = session.run(None, given)
        symbols = logp[0].argmax(-1)
        return symbols[np.append(True, symbols[1:] != symbols[:-1])].tolist() if symbols.ndim else symbols

    return answer


ANSWERS = {"torch": torch_answer, "onnx": onnx_answer}


def timed(answer: Callable[[np.ndarray], object], wave_T: np.ndarray) -> float:
    start = time.perf_counter()
    answer(wave_T)
    return time.perf_counter() - start


def repeated(answer: Callable[[np.ndarray], object], wave_T: np.ndarray) -> list[float]:
    times: list[float] = []
    while len(times) < AT_LEAST or (len(times) < REPEATS and sum(times) < SECONDS):
        times.append(timed(answer, wave_T))
    return times


def peak() -> int:
    """The largest resident memory so far, in bytes; on Linux without what the process was forked from had."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS, in bytes


def main() -> None:
    """Answer the request: seconds from the process's beginning to its first answer and for each length; seconds, CPU
    seconds and joules of all recordings; the largest resident memory in bytes."""
    asked = json.load(sys.stdin)
    answer = ANSWERS[asked["form"]](asked["path"], asked["threads"])
    noise, rate = np.random.default_rng(0), asked["rate"]
    answer(noise.standard_normal(rate, "float32") / 10)
    cold = time.time() - asked["begun"]
    latency = {}
    for seconds in asked["lengths"]:
        wave_T = noise.standard_normal(round(seconds * rate), "float32") / 10
        answer(wave_T)
        latency[seconds] = np.percentile(repeated(answer, wave_T), [50, 95]).tolist()
    with np.load(asked["recordings"]) as file:
        waves = [file[name] for name in file.files]
    for wave_T in waves[:WARM_UP]:
        answer(wave_T)
    begun, counted = time.process_time(), joules()
    taken = sum(timed(answer, wave_T) for wave_T in waves)
    busy, drawn = time.process_time() - begun, None if counted is None else joules() - counted
    found = {"cold": cold, "latency": latency, "taken": taken, "busy": busy, "joules": drawn, "peak": peak()}
    print(json.dumps(found | {"seconds": sum(map(len, waves)) / rate}))


if __name__ == "__main__":
    main()

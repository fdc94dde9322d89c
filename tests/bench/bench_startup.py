"""How long `python -m asrx --help` and `--cfg job` take, as a multiple of a process that only imports Hydra.

python tests/bench/bench_startup.py
"""

from __future__ import annotations

import subprocess
import sys
import time

CALLS = {
    "import hydra": ["-c", "import hydra"],
    "asrx --help": ["-m", "asrx", "--help"],
    "asrx --cfg job": ["-m", "asrx", "--cfg", "job"],
}


def seconds(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in CALLS}
    for _ in range(10):  # in turn, so that other work on the machine falls on all alike
        for name, arguments in CALLS.items():
            times[name].append(seconds(arguments))
    base = min(times["import hydra"])
    for name, measured in times.items():
        print(f"{name:<15} {min(measured):.2f} s  {min(measured) / base:.2f} times `import hydra`")


if __name__ == "__main__":
    main()

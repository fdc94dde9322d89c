"""A bidirectional LSTM over a padded batch: turned round within its lengths, against packed sequences.

python tests/bench/bench_lstm.py
"""

from __future__ import annotations

import os
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from asrx.models.recurrent import LSTMStack


def seconds(step, repeats: int = 10) -> float:
    """Best of so many."""
    step()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    torch.manual_seed(0)
    for batch, frames, width in [(16, 50, 128), (16, 100, 128), (8, 250, 256)]:
        x = torch.randn(batch, frames, width)
        lengths = torch.randint(frames // 2, frames + 1, (batch,))
        lengths[0] = frames
        stack = LSTMStack(width, width, 1, bidirectional=True, dropout=0.0)
        packed = nn.LSTM(width, width, batch_first=True, bidirectional=True)

        def turned_step(stack=stack, x=x, lengths=lengths):
            stack(x, lengths).sum().backward()

        def packed_step(packed=packed, x=x, lengths=lengths):
            sequence = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            pad_packed_sequence(packed(sequence)[0], batch_first=True)[0].sum().backward()

        ours, theirs = seconds(turned_step), seconds(packed_step)
        print(
            f"batch {batch}, {frames} frames, width {width}: turned {1e3 * ours:.1f} ms, "
            f"packed {1e3 * theirs:.1f} ms, ratio {theirs / ours:.2f}"
        )


if __name__ == "__main__":
    main()

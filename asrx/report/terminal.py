"""What commands print: what a run says when it ends, and tables."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HEADLINES = {"wer": "WER", "cer": "CER", "accuracy": "accuracy", "macro_f1": "macro F1"}  # shares
DECIBELS = {"si_sdr": "SI-SDR", "si_sdr_improvement": "SI-SDR improvement"}


def resuming(folder: Path) -> str:
    """What goes on with a run, as a shell takes it whatever the folder is called."""
    return shlex.quote(f"resume={folder}")


def summary(results: dict[str, Any], folder: Path) -> str:
    """A small table of the test's figures and the time of each stage, and where the rest is."""
    rows = []
    test = results["test"]
    if test:
        rows += [(name, f"{100 * test[key]:.2f} %") for key, name in HEADLINES.items() if key in test]
        rows += [(name, f"{test[key]:.2f} dB") for key, name in DECIBELS.items() if key in test]
        rows.append((f"{results['part']} utterances", f"{test['utterances']:.0f}"))
    rows += [(f"{stage} time", f"{seconds:.1f} s") for stage, seconds in results["seconds"].items()]
    width = max(len(name) for name, _ in rows)
    table = [f"  {name:<{width}}  {value:>9}" for name, value in rows]
    heads = {
        "interrupted": f"Interrupted; python -m asrx {resuming(folder)} goes on from here",
        "pruned": f"Pruned: {results.get('reason')}",
        "finished": f"Result on the {'validation' if results['part'] == 'val' else 'test'} part",
    }
    return "\n".join(
        ["", heads[results["state"]], *table, f"Run folder: {folder}", f"Report: {folder / 'report.html'}"]
    )


def aligned(lines: Sequence[Sequence[str]], words: int) -> str:
    """A table whose columns are as wide as what is in them; the first `words` are words, the others numbers."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligns = ["<"] * words + [">"] * (len(widths) - words)
    return "\n".join(
        "  ".join(f"{cell:{align}{width}}" for cell, align, width in zip(line, aligns, widths, strict=True)).rstrip()
        for line in lines
    )

"""How clean waveforms are."""

from __future__ import annotations

from math import nan

import torch


class Separation:
    """Means over utterances of the SI-SDR in dB of what was made of mixtures, and of how much better it is than that
    of the mixtures themselves.

    >>> quality = Separation()
    >>> quality.update(["0.0000 dB", "2.0000 dB"], ["9.5000 dB", "10.5000 dB"])
    >>> quality.compute()["si_sdr_improvement"]
    9.0
    """

    kind = "separation"
    modes = {"si_sdr": "max", "si_sdr_improvement": "max"}

    def __init__(self):
        self.counts = torch.zeros(3, dtype=torch.float64)

    def update(self, references: list[str], hypotheses: list[str]) -> None:
        """Add utterances: the SI-SDR of each mixture and of what was made of it, as `decibels` writes them."""
        before, after = (sum(float(text.split()[0]) for text in texts) for texts in (references, hypotheses))
        self.counts += torch.tensor([before, after, len(references)], dtype=torch.float64)

    def compute(self) -> dict[str, float]:
        """In dB, NaN without utterances."""
        before, after, count = self.counts.tolist()
        mean = {"si_sdr": after / count, "si_sdr_improvement": (after - before) / count} if count else {}
        return dict.fromkeys(self.modes, nan) | mean | {"utterances": int(count)}


def decibels(value: float) -> str:
    """As it is written down.

    >>> decibels(9.5)
    '9.5000 dB'
    """
    return f"{value:.4f} dB"

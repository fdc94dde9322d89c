"""Whether what a server hears is still what its model was tested on."""

from __future__ import annotations

import logging
import threading

import numpy as np

from asrx.recognition.answers import Transcript
from asrx.serving.figures import Figures
from asrx.types import UserError
from asrx.watching.comparison import compare, units_needed
from asrx.watching.profile import Profile, profile_of
from asrx.watching.quantities import quantities

ALPHA = 0.01  # false alarms of each window
MOST = 10_000  # recordings of a window


class Watch:
    """Compares one window of so many recordings after the other with a reference. Of a recording nothing is kept but
    its quantities, until its window is full.

    Args:
        reference: profile of what the model was tested on.
        window: recordings that are compared at a time.
        sample_rate: of the recordings, in Hz.
        figures: are told the medians and the p-values.

    Raises:
        UserError: so many recordings can tell nothing.
    """

    def __init__(self, reference: Profile, window: int, sample_rate: int, figures: Figures):
        least = units_needed(reference, ALPHA)
        if not least <= window <= MOST:
            raise UserError(f"--watch {window} should be from {least} to {MOST} recordings, such as 100.")
        self.reference, self.window, self.sample_rate, self.figures = reference, window, sample_rate, figures
        self.rows: list[np.ndarray] = []
        self.lock = threading.Lock()

    def heard(self, wave_T: np.ndarray, transcript: Transcript) -> None:
        """Take a recording, int16, into the window; the one that fills it waits for the comparison."""
        row = quantities(wave_T, self.sample_rate, transcript.text, transcript.confidence)
        with self.lock:
            self.rows.append(row)
            if len(self.rows) < self.window:
                return
            rows, self.rows = self.rows, []
        self._compare(profile_of([""] * len(rows), [None] * len(rows), rows))

    def _compare(self, production: Profile) -> None:
        findings = compare(self.reference, production, ALPHA)
        for finding in findings:
            self.figures.watched(finding)
        if changes := [finding.told for finding in findings if finding.changed]:
            logging.getLogger(__name__).warning(
                "The last %d recordings are not what the model was tested on: %s.", self.window, "; ".join(changes)
            )

from __future__ import annotations

import pytest
import torch

from asrx.features.deltas import Deltas
from asrx.features.joined import Joined
from asrx.features.logmel import LogMel
from asrx.features.pitch import Pitch
from asrx.types import UserError

WAVES = torch.randn(2, 8000, generator=torch.Generator().manual_seed(0)) * 0.1
LENGTHS = torch.tensor([8000, 5001])
WAVES[1, 5001:] = 0


def test_slopes_are_torchaudio_s():
    from torchaudio.functional import compute_deltas

    frames, lengths = Deltas(LogMel(8000), normalize="none")(WAVES, LENGTHS)
    own, _ = LogMel(8000, normalize="none")(WAVES, LENGTHS)
    for row, frame, n in zip(frames, own, lengths, strict=True):
        first = compute_deltas(frame[:n].T, win_length=5)
        second = compute_deltas(first, win_length=5)
        torch.testing.assert_close(row[:n], torch.cat([frame[:n].T, first, second]).T, atol=1e-5, rtol=1e-4)


def test_bins_stand_side_by_side():
    joined = Joined([LogMel(8000), Pitch(8000)], normalize="none")
    frames, _ = joined(WAVES, LENGTHS)
    parts = [part(8000, normalize="none")(WAVES, LENGTHS)[0] for part in (LogMel, Pitch)]
    assert joined.dim == 42
    torch.testing.assert_close(frames, torch.cat(parts, 2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Deltas(LogMel(8000), order=3), "features.order=3 should be 1 or 2"),
        (lambda: Deltas(LogMel(8000), width=0), "features.width=0 at least 1"),
        (lambda: Joined([LogMel(8000), Pitch(8000, hop=0.02)]), "frames at different times"),
        (lambda: Joined([]), "names no features"),
    ],
)
def test_what_cannot_be_is_told(make, message):
    with pytest.raises(UserError, match=message):
        make()

from __future__ import annotations

import numpy as np
import pytest
import torch

from asrx.features.image import Image

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 6, 4))
WAVE = torch.tensor(PIXELS.reshape(2, 24) / 256).float()


@pytest.mark.parametrize(("scale", "white"), [(256, 255), (1, 255 / 256)])
def test_the_pixels_come_back_in_their_rows(scale, white):
    frames, lengths = Image(4, scale)(WAVE, torch.tensor([24, 24]))
    assert lengths.tolist() == [6, 6]
    assert torch.equal(frames, torch.tensor(PIXELS).float() * white / 255)


def test_padding_and_a_broken_row_are_no_frames():
    padded = torch.zeros(2, 31)
    padded[:, :24] = WAVE
    frames, lengths = Image(4)(padded, torch.tensor([24, 18]))
    assert lengths.tolist() == [6, 4] and frames.shape == (2, 7, 4)
    assert torch.equal(frames[0, :6], torch.tensor(PIXELS[0]).float())
    assert torch.equal(frames[1, :4], torch.tensor(PIXELS[1, :4]).float())
    assert not frames[0, 6:].any() and not frames[1, 4:].any()

from __future__ import annotations

import pytest
import torch
from torch import nn

from asrx.augment.pixels import Pixels
from asrx.augment.specaug import SpecAugment

IMAGES = torch.rand(40, 12 * 5, generator=torch.Generator().manual_seed(0)) + 0.1  # 12 frames of 5 bands, none black
LENGTHS = torch.full((40,), 60)
NOTHING = {"time_masks": 0, "freq_masks": 0}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def black(**masks) -> torch.Tensor:
    """Which pixels an augmentation by SpecAugment blackened, (images, frames, bands)."""
    images, lengths = Pixels(5, [SpecAugment(**NOTHING | masks)])(IMAGES, LENGTHS)
    assert images.shape == IMAGES.shape and torch.equal(lengths, LENGTHS)
    kept = images != 0
    assert torch.equal(images[kept], IMAGES[kept])
    return ~kept.unflatten(1, (12, 5))


def runs_of(hidden: torch.Tensor) -> list[int]:
    """The widths of single bands of neighbours; an image without one has 0."""
    widths = hidden.sum(1).tolist()
    assert ((hidden[:, 1:] & ~hidden[:, :-1]).sum(1) + hidden[:, 0] <= 1).all(), "a band has no gaps"
    return widths


def test_a_time_mask_blackens_whole_rows_of_neighbours():
    hidden = black(time_masks=1, time_width=4, time_share=1.0)
    assert torch.equal(hidden.all(2), hidden.any(2))
    assert set(runs_of(hidden.any(2))) == {0, 1, 2, 3, 4}


def test_a_frequency_mask_blackens_whole_columns_of_neighbours():
    hidden = black(freq_masks=1, freq_width=3)
    assert torch.equal(hidden.all(1), hidden.any(1))
    assert set(runs_of(hidden.any(1))) == {0, 1, 2, 3}


def test_the_augmentations_follow_one_another_and_see_lengths_in_frames():
    class Recorder(nn.Module):
        def forward(self, frames_BTF, lengths_B):
            seen.append((frames_BTF.shape, lengths_B.tolist()))
            return frames_BTF + 1, lengths_B

    seen = []
    images, _ = Pixels(5, [Recorder(), Recorder()])(IMAGES[:2], torch.tensor([60, 45]))
    assert seen == [((2, 12, 5), [12, 9])] * 2
    assert torch.equal(images, IMAGES[:2] + 1 + 1)

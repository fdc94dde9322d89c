from __future__ import annotations

import torch

from asrx.augment.specaug import SpecAugment


def test_masks_are_filled_and_padding_is_not():
    torch.manual_seed(0)
    frames = torch.ones(50, 30, 20)
    frames[:, 20:] = 0
    masked, _ = SpecAugment(fill=-7.0)(frames, torch.full((50,), 20))
    assert set(masked[:, :20].unique().tolist()) == {-7.0, 1.0}
    assert not masked[:, 20:].any()

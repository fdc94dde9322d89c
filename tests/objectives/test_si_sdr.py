"""How near waveforms come to the clean ones."""

from __future__ import annotations

import pytest
import torch

from asrx.objectives.si_sdr import SiSdr, best_order, si_sdr
from asrx.types import Batch, Targets

TIME = torch.arange(800) / 8000
CLEAN = torch.stack([torch.sin(2 * torch.pi * hertz * TIME) for hertz in (100, 200)], 1)[None]  # orthogonal


def test_it_is_the_ratio_of_what_is_speech_to_what_is_not_at_any_level():
    made = CLEAN + 0.1 * CLEAN.flip(2)
    for level in (1.0, 0.01, -3.0):
        torch.testing.assert_close(si_sdr(level * made, CLEAN), torch.full((1, 2), 20.0), atol=1e-2, rtol=0)


def test_silence_has_a_finite_one_with_a_gradient():
    made = torch.zeros(1, 800, 2, requires_grad=True)
    found = si_sdr(made, CLEAN * torch.tensor([1.0, 0.0]))
    assert found.isfinite().all()
    found.sum().backward()
    assert made.grad.isfinite().all()


def test_sources_count_in_the_order_that_fits_best():
    noisy = CLEAN + 0.01 * torch.randn(CLEAN.shape, generator=torch.Generator().manual_seed(0))
    made, clean = torch.cat([noisy, noisy.flip(2)]), torch.cat([CLEAN, CLEAN])
    values, orders = best_order(made, clean)
    assert orders.tolist() == [[0, 1], [1, 0]]
    torch.testing.assert_close(values[0], values[1])
    loss = SiSdr(2).loss(
        made, torch.tensor([800, 800]), Targets(torch.zeros(2, 0).long(), torch.zeros(2).long(), clean)
    )
    torch.testing.assert_close(loss, -values)


def test_padding_counts_for_nothing():
    padded = torch.nn.functional.pad(CLEAN, (0, 0, 0, 500))
    noisy = CLEAN + 0.3 * CLEAN.flip(2)
    torch.testing.assert_close(si_sdr(torch.nn.functional.pad(noisy, (0, 0, 0, 500)), padded), si_sdr(noisy, CLEAN))


def test_what_is_judged_is_the_mixture_and_what_was_made_of_it():
    objective = SiSdr(1)
    clean, noise = CLEAN[:, :, :1], CLEAN[:, :, 1]
    targets = Targets(torch.zeros(1, 0).long(), torch.zeros(1).long(), clean)
    batch = Batch(clean[:, :, 0] + noise, torch.tensor([800]), targets, torch.tensor([0]))
    references, hypotheses = objective.judged((clean[:, :, 0] + 0.1 * noise)[:, :, None], batch.lengths_B, batch)
    assert float(references[0].split()[0]) == pytest.approx(0, abs=0.01)
    assert float(hypotheses[0].text.split()[0]) == pytest.approx(20, abs=0.01) == hypotheses[0].score
    quality = objective.metrics()
    quality.update(references, [one.text for one in hypotheses])
    assert quality.compute()["si_sdr_improvement"] == pytest.approx(20, abs=0.02)

from __future__ import annotations

import pytest
import torch

from asrx.augment.gain import Gain
from asrx.augment.mixup import Mix, Mixup
from asrx.augment.noise import WhiteNoise
from asrx.augment.specaug import SpecAugment


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_time_masks_cut_time_and_frequency_masks_cut_frequency():
    x, lengths = torch.ones(200, 50, 30), torch.full((200,), 50)
    in_time = SpecAugment(time_masks=1, time_width=8, time_share=1.0, freq_masks=0)(x, lengths)[0] == 0
    assert torch.equal(in_time.any(2), in_time.all(2)), "a masked frame is masked in every bin"
    assert in_time.any(2).sum(1).max() == 8
    assert in_time.any(2).sum(1).min() == 0
    in_frequency = SpecAugment(time_masks=0, freq_masks=1, freq_width=5)(x, lengths)[0] == 0
    assert torch.equal(in_frequency.any(1), in_frequency.all(1)), "a masked bin is masked in every frame"
    assert in_frequency.any(1).sum(1).max() == 5


def test_time_masks_stay_inside_the_utterance_and_under_its_share():
    lengths = torch.tensor([10, 50] * 100)
    masked = SpecAugment(time_masks=1, time_width=20, time_share=0.2, freq_masks=0)(torch.ones(200, 50, 3), lengths)[0]
    hidden = (masked == 0).all(2)
    assert not hidden[0::2, 10:].any()
    assert hidden[0::2].sum(1).max() == 2
    assert hidden[1::2].sum(1).max() == 10


def test_utterances_draw_their_own_masks():
    masked = SpecAugment()(torch.ones(50, 100, 40), torch.full((50,), 100))[0]
    assert len({tuple((row == 0).all(1).tolist()) for row in masked}) > 20


def test_white_noise_is_at_the_ratio_that_was_asked_for():
    time = torch.arange(16000) / 16000
    wave = (0.3 * torch.sin(2 * torch.pi * 440 * time)).repeat(4, 1)
    lengths = torch.tensor([16000, 8000, 4000, 16000])
    for row, n in zip(wave, lengths, strict=True):
        row[n:] = 0
    noisy, _ = WhiteNoise(snr_db=(10.0, 10.0), probability=1.0)(wave, lengths)
    for clean, dirty, n in zip(wave, noisy, lengths, strict=True):
        ratio = 10 * torch.log10(clean[:n].square().mean() / (dirty - clean)[:n].square().mean())
        assert abs(ratio - 10) < 0.3


def test_white_noise_comes_as_often_as_was_asked_for():
    wave = torch.randn(2000, 10)
    noisy, _ = WhiteNoise(probability=0.25)(wave, torch.full((2000,), 10))
    assert abs((noisy != wave).any(1).float().mean() - 0.25) < 0.04


def test_gain_in_decibels():
    louder, _ = Gain(gain_db=(6.0, 6.0))(torch.ones(1, 4), torch.tensor([4]))
    assert float(20 * torch.log10(louder[0, 0])) == pytest.approx(6.0, abs=1e-4)


def test_mixup_blends_inputs_and_losses_alike():
    mix = Mix(torch.tensor([1, 0]), torch.tensor([0.75, 0.25]))
    x = torch.tensor([[[1.0], [1.0]], [[3.0], [0.0]]])
    blended, lengths = mix.blend(x, torch.tensor([2, 1]))
    assert blended[:, 0, 0].tolist() == [1.5, 1.5]
    assert lengths.tolist() == [2, 2]
    assert mix.combine(torch.tensor([1.0, 1.0]), torch.tensor([5.0, 9.0])).tolist() == [2.0, 7.0]


def test_mixup_draws_a_weight_for_each_utterance():
    mix = Mixup(alpha=0.5)(1000, torch.device("cpu"))
    assert sorted(mix.partner_B.tolist()) == list(range(1000))
    assert len(set(mix.weight_B.tolist())) > 900
    assert float(mix.weight_B.mean()) == pytest.approx(0.5, abs=0.05)
    assert float(mix.weight_B.var()) == pytest.approx(0.125, abs=0.02)  # of Beta(1/2, 1/2)


def test_a_mixed_batch_is_trained_on(launch, tones, monkeypatch):
    """The loss of a step comes from the blended frames and from both targets."""
    from asrx.objectives.ctc import CTC

    calls, loss = [], CTC.loss

    def recorded(self, enc, lengths, targets):
        calls.append((self.training, targets.ids_BU.tolist()))
        return loss(self, enc, lengths, targets)

    monkeypatch.setattr(CTC, "loss", recorded)
    launch(*tones, "augment=mixup", "trainer=debug", "trainer.enable_progress_bar=false")
    (_, own), (_, partners) = [call for call in calls if call[0]][:2]
    assert sorted(own) == sorted(partners)
    assert own != partners

"""The parts of a training step, without a run."""

from __future__ import annotations

from math import prod

import pytest
import torch
from torch import nn

from asrx.augment.gain import Gain
from asrx.augment.mixup import Mix
from asrx.features.clip import Clip
from asrx.features.convolutions import Convolutions
from asrx.features.raw import Raw
from asrx.objectives.cross_entropy import CrossEntropy
from asrx.training.pipeline import Pipeline
from asrx.training.stopwatch import Stopwatch
from asrx.training.system import Augmentation, Optimisation, System
from asrx.types import Augment, Batch, Encoder, Targets

WAVE = torch.randn(3, 40, generator=torch.Generator().manual_seed(0))
LENGTHS = torch.tensor([40, 40, 40])
SHARES = torch.tensor([0.75, 0.5, 1.0])


class Frames(nn.Module, Encoder):
    """The frames as they are."""

    def forward(self, frames_BTF, lengths_B):
        return frames_BTF, lengths_B

    def out_len(self, n_frames):
        return n_frames


class Punished(Frames):
    def penalty(self):
        return torch.tensor(100.0)


class Shortening(nn.Module, Augment):
    """A wave augmentation that may leave three quarters."""

    shortest = 0.75

    def forward(self, wave_BT, lengths_B):
        return wave_BT, lengths_B


class Pairs(nn.Module):
    """Mixup with known draws."""

    mix = Mix(torch.tensor([1, 2, 0]), torch.tensor([0.9, 0.6, 0.5]))

    def forward(self, batch, device):
        return self.mix


def system(encoder: nn.Module | None = None, wave_augment=(), clip=None, mixup=None, readings=None) -> System:
    torch.manual_seed(0)
    parts = clip or Clip(1000, None), Raw(4, 4, normalize="none"), encoder or Frames(), CrossEntropy(4, ["a", "b", "c"])
    return System(
        Pipeline(*parts, readings),
        Augmentation(wave_augment, mixup=mixup),
        Optimisation(None, None, "val/accuracy"),
        seed=0,
        stopwatch=Stopwatch(),
        card={},
    )


def targets(*ids: int) -> Targets:
    return Targets(torch.tensor(ids)[:, None], torch.ones(len(ids), dtype=torch.long))


def batch(**mixture) -> Batch:
    return Batch(WAVE, LENGTHS, targets(0, 1, 2), torch.arange(3), **mixture)


def loss_of(system: System, ids: Targets, weight_B: torch.Tensor | None = None) -> torch.Tensor:
    """By hand: of every utterance, its frames mixed in the proportion given."""
    frames, lengths = system.pipeline.features(WAVE, LENGTHS)
    if weight_B is not None:
        weight = weight_B[:, None, None]
        frames = weight * frames + (1 - weight) * frames[Pairs.mix.partner_B]
    return system.pipeline.objective.loss(frames, lengths, ids)


def test_the_loss_is_the_mean_over_the_batch():
    model = system()
    torch.testing.assert_close(model.training_step(batch(), 0), loss_of(model, targets(0, 1, 2)).mean())
    assert model.train_loss.tolist() == pytest.approx([loss_of(model, targets(0, 1, 2)).sum().item(), 3])


def test_a_mixture_is_answered_in_the_shares_of_its_voices():
    model = system()
    loss = model.training_step(batch(others=targets(2, 0, 2), share_B=SHARES), 0)
    own, other = loss_of(model, targets(0, 1, 2)), loss_of(model, targets(2, 0, 2))
    torch.testing.assert_close(loss, (SHARES * own + (1 - SHARES) * other).mean())
    assert not torch.isclose(loss, own.mean())


def test_mixup_of_mixtures_has_the_shares_of_all_four_voices():
    model = system(mixup=Pairs())
    loss = model.training_step(batch(others=targets(2, 0, 2), share_B=SHARES), 0)
    weights, partner = Pairs.mix.weight_B, Pairs.mix.partner_B

    def of_pair(first: Targets, second: Targets, share_B: torch.Tensor) -> torch.Tensor:
        return share_B * loss_of(model, first, weights) + (1 - share_B) * loss_of(model, second, weights)

    own = of_pair(targets(0, 1, 2), targets(2, 0, 2), SHARES)
    partners = of_pair(targets(1, 2, 0), targets(0, 2, 2), SHARES[partner])
    torch.testing.assert_close(loss, (weights * own + (1 - weights) * partners).mean())


@pytest.mark.parametrize("mixup", [None, Pairs()], ids=["alone", "with mixup"])
def test_an_encoder_s_penalty_is_added_once(mixup):
    plain, punished = system(mixup=mixup), system(Punished(), mixup=mixup)
    losses = [model.training_step(batch(), 0) for model in (plain, punished)]
    torch.testing.assert_close(losses[1], losses[0] + 100)


@pytest.mark.parametrize(
    ("wave_augment", "clip", "frames"),
    [
        pytest.param([], None, 10, id="no augmentation"),
        pytest.param([Gain()], None, 10, id="one that keeps lengths"),
        pytest.param([Shortening()], None, 8, id="three quarters"),
        pytest.param([Shortening(), Gain(), Shortening()], None, 6, id="three quarters of three quarters"),
        pytest.param([Shortening()], Clip(1000, 0.02), 5, id="longer than a clip"),
        pytest.param([Shortening()], Clip(1000, 0.05), 8, id="shorter than a clip"),
        pytest.param([Shortening()], Clip(1000, 0.1, masked=False), 25, id="clips that count padding"),
    ],
)
def test_frames_of_an_utterance_at_its_shortest(wave_augment, clip, frames):
    model = system(wave_augment=wave_augment, clip=clip)
    shortest = prod(share for _, share in model.shortening)
    assert model.pipeline.out_len(int(40 * shortest)) == frames


def test_an_utterance_that_augmentation_would_leave_too_short_stays_as_it_was():
    class Half(Shortening):
        shortest = 0.5

        def forward(self, wave_BT, lengths_B):
            return wave_BT[:, ::2], lengths_B // 2

    model, seen = system(wave_augment=[Half(), Half()]), []
    model.pipeline.features.register_forward_pre_hook(lambda _, given: seen.append(given))
    model.training_step(batch(least_B=torch.tensor([0, 20, 21])), 0)
    wave_BT, lengths_B = seen[0]
    assert lengths_B.tolist() == [10, 20, 40]
    assert torch.equal(wave_BT[0, :10], WAVE[0, ::4]) and not wave_BT[0, 10:].any()
    assert torch.equal(wave_BT[1, :20], WAVE[1, ::2]) and not wave_BT[1, 20:].any()
    assert torch.equal(wave_BT[2], WAVE[2])


def test_clips_are_cut_after_wave_augmentation():
    class Longer(nn.Module, Augment):
        def forward(self, wave_BT, lengths_B):
            return torch.cat([wave_BT, wave_BT], 1), 2 * lengths_B

    model = system(wave_augment=[Longer()], clip=Clip(1000, 0.06, masked=False))
    _, frames, lengths = model._augmented_frames(batch())
    assert frames.shape == (3, 15, 4) and lengths.tolist() == [15] * 3
    torch.testing.assert_close(frames[:, 10:], frames[:, :5])


def test_readings_of_an_utterance_are_averaged_but_not_in_training():
    def readings(wave_BT, lengths_B):
        return [(wave_BT, lengths_B), (2 * wave_BT[:, :20], torch.tensor([20, 12, 8]))]

    plain, averaged = system(), system(readings=readings)
    enc, lengths = averaged(WAVE, LENGTHS)
    assert enc.shape == (3, 1, 4) and lengths.tolist() == [1, 1, 1]
    whole = WAVE.reshape(3, 10, 4)
    expected = [(whole[i].mean(0) + 2 * whole[i, : n // 4].mean(0)) / 2 for i, n in enumerate([20, 12, 8])]
    torch.testing.assert_close(enc[:, 0], torch.stack(expected))
    torch.testing.assert_close(averaged.training_step(batch(), 0), plain.training_step(batch(), 0))


def test_gradients_reach_features_that_learn_and_their_weights_are_saved():
    learner = system()
    learner.pipeline.features = Convolutions(4, kernels=[8], strides=[4])
    learner.training_step(batch(), 0).backward()
    weights = dict(learner.pipeline.features.named_parameters())
    assert all(weight.grad.abs().sum() > 0 for weight in weights.values())
    assert {f"pipeline.features.{name}" for name in weights} <= set(learner.state_dict())

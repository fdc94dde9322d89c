"""A run that cleans waveforms, in front of another's features."""

from __future__ import annotations

import shutil

import pytest
import torch
from corpus import RATE
from mixtures import UNET

from asrx.checkpoint import read_checkpoint
from asrx.config.saved import config_of
from asrx.evaluation.trained import load, load_model
from asrx.features.enhancer import Enhancer
from asrx.recognition.recognizer import load as recognizer
from asrx.types import UserError

SHORT = ["model.encoder.width=16", "model.encoder.channels=[4,8]", "trainer.max_epochs=1", "trainer=cpu"]


def weights(path, prefix):
    return {name: value for name, value in read_checkpoint(path)["state_dict"].items() if name.startswith(prefix)}


@pytest.fixture(scope="module")
def front(denoiser, tones, run_of):
    """A recogniser with the denoiser in front, frozen or joint."""

    def command(how: str):
        return run_of(*tones, *SHORT, f"features/enhance={how}", f"features.enhance.run={denoiser}")

    return command


def test_what_it_makes_is_the_encoders_at_its_share_of_what_came_in(denoiser):
    enhancer, model = Enhancer(str(denoiser), RATE), load_model(denoiser).pipeline
    wave_BT, lengths_B = 0.1 * torch.randn(2, 900), torch.tensor([900, 700])
    wave_BT[1, 700:] = 0
    made_BT, own_BT = enhancer(wave_BT, lengths_B), model(wave_BT, lengths_B)[0][:, :, 0]
    assert not made_BT[1, 700:].any()
    for made_T, own_T, wave_T in zip(made_BT, own_BT, wave_BT, strict=True):
        share = (wave_T @ own_T) / (own_T @ own_T)
        torch.testing.assert_close(made_T, share * own_T)
        assert float((wave_T - made_T) @ made_T) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(("how", "same"), [("frozen", True), ("joint", False)])
def test_a_frozen_one_stays_as_it_was_and_a_joint_one_learns(denoiser, front, how, same):
    before = weights(denoiser / "last.ckpt", "pipeline.encoder.")
    after = weights(front(how) / "last.ckpt", "pipeline.enhancer.encoder.")
    assert len(before) == len(after) > 10
    best = weights(denoiser / "best.ckpt", "pipeline.encoder.")
    assert all(torch.equal(*pair) for pair in zip(best.values(), after.values(), strict=True)) is same


def test_a_checkpoint_has_all_that_it_takes(front, tmp_path, denoiser):
    run = front("joint")
    wave_BT, lengths_B = torch.randn(1, 2000), torch.tensor([2000])
    expected = load_model(run).pipeline(wave_BT, lengths_B)[0]
    away = denoiser.with_name("away")
    shutil.move(denoiser, away)
    try:
        found = load_model(run / "best.ckpt").pipeline(wave_BT, lengths_B)[0]
    finally:
        shutil.move(away, denoiser)
    assert torch.equal(found, expected)


def test_a_run_that_was_trained_without_is_evaluated_with_it(denoiser, trained_run):
    with_it = load(trained_run, config_of(trained_run, ["features/enhance=frozen", f"features.enhance.run={denoiser}"]))
    assert torch.equal(with_it.pipeline.enhancer.encoder.down[0][0].weight, _first(denoiser))
    wave_BT, lengths_B = torch.randn(1, 2000), torch.tensor([2000])
    alone = load_model(trained_run).pipeline
    heard = with_it.pipeline.enhancer(wave_BT, lengths_B)
    torch.testing.assert_close(with_it.pipeline(wave_BT, lengths_B)[0], alone(heard, lengths_B)[0])


def _first(run):
    return load_model(run).pipeline.encoder.down[0][0].weight


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda denoiser, _: Enhancer(str(denoiser), 16000), "hears 8000 Hz, and dataset.sample_rate is 16000"),
        (lambda _, written: Enhancer(str(written), RATE), "writes text and makes no waveform"),
        (lambda *_: Enhancer("nowhere", RATE), "features.enhance.run=nowhere: nowhere: there is no such checkpoint"),
        (lambda denoiser, _: recognizer(denoiser), "makes waveforms and writes no text"),
    ],
)
def test_what_cannot_stand_in_front_is_refused(denoiser, trained_run, make, message):
    with pytest.raises(UserError, match=message):
        make(denoiser, trained_run)


def test_what_separates_two_speakers_is_no_enhancer(mixtures, run_of):
    run = run_of(*mixtures, *UNET, "dataset.speakers=2", "model.encoder.sources=2")
    with pytest.raises(UserError, match="separates 2 speakers"):
        Enhancer(str(run), RATE)

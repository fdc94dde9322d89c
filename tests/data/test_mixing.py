"""Mixtures made on the fly: `dataset=mixtures`."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from corpus import RATE
from mixtures import FAST, UNET

from asrx.config.check import checked
from asrx.data.mixing import Mixing
from asrx.data.module import DataModule
from asrx.data.prepare import prepare
from asrx.training.assembly import assemble, data_of
from asrx.training.stopwatch import Stopwatch
from asrx.types import Batch, UserError


@pytest.fixture
def data(mixtures, tmp_path):
    """The DataModule of these overrides."""

    def command(*overrides: str) -> DataModule:
        cfg = checked([*mixtures, *UNET, "dataset.batch_size=4", *overrides])
        objective = assemble(cfg, [], Stopwatch()).pipeline.objective
        return data_of(cfg, prepare(cfg), objective, lambda n: n, tmp_path / "bad.jsonl")

    return command


TWO = ("dataset.speakers=2", "model.encoder.sources=2")


def of_part(data: DataModule, part: str) -> Batch:
    return next(iter(data.loader(part, None)))


@pytest.mark.parametrize(("part", "sign"), [("train", 1), ("val", 1), ("test", -1)])
def test_a_mixture_is_speech_and_noise_at_the_ratio_and_the_test_has_noises_of_its_own(data, part, sign):
    batch = of_part(data("dataset.mixing.snr_db=[3,3]"), part)
    speech_BT = batch.targets.sources_BTS[:, :, 0]
    for speech_T, noise_T, n in zip(speech_BT, batch.wave_BT - speech_BT, batch.lengths_B.tolist(), strict=True):
        assert 10 * (speech_T[:n].square().mean() / noise_T[:n].square().mean()).log10() == pytest.approx(3, abs=0.01)
        assert (sign * noise_T[:n] > 0).all()
        assert not noise_T[n:].any()


def test_two_speakers_are_two_and_as_long_and_loud_as_they_should_be(data):
    module = data(*TWO, "dataset.noises=null", "dataset.test_noises=null", "dataset.mixing.level_db=[-2,2]")
    loader = module.loader("val", None)
    mixer, utterances = loader.dataset.mixer, module.utterances["val"]
    for i, utterance in enumerate(utterances):
        first, second = mixer.members(i)
        assert first == i
        assert utterances[second].speaker != utterance.speaker
        mixture = mixer(i)
        assert len(mixture.wave_T) == max(module.store.lengths[module.places["val"][[first, second]]])
        torch.testing.assert_close(mixture.wave_T, mixture.sources_TS.sum(1))
        lengths = module.store.lengths[module.places["val"][[first, second]]]
        power = [mixture.sources_TS[:n, s].square().mean() for s, n in enumerate(lengths.tolist())]
        assert abs(10 * (power[1] / power[0]).log10()) < 2.01


def test_training_is_mixed_anew_in_each_epoch_and_validation_never(data):
    module = data(*TWO)
    train, val = module.loader("train", 0), module.loader("val", None)
    for loader, same in ((train, False), (val, True)):
        mixtures = []
        for epoch in (0, 1, 0):
            loader.dataset.mixer.epoch = epoch
            mixtures.append(loader.dataset.mixer(2).wave_T)
        assert torch.equal(mixtures[0], mixtures[2])
        assert (len(mixtures[0]) == len(mixtures[1]) and torch.equal(mixtures[0], mixtures[1])) is same


def test_a_loader_that_goes_on_in_mid_epoch_gives_the_mixtures_that_were_left(data):
    whole, resumed = (data().loader("train", 7) for _ in range(2))
    whole.sampler.set_epoch(1)
    expected = [batch.wave_BT for batch in islice(whole, 1, None)]
    resumed.load_state_dict({"epoch": 1, "done": 1})
    found = [batch.wave_BT for batch in resumed]
    assert len(found) == len(expected) > 1
    assert all(map(torch.equal, found, expected))


def test_training_draws_no_number_of_the_programs_own(data):
    waves = data().loader("train", 0).dataset
    before = torch.get_rng_state()
    waves[np.arange(3)]
    assert torch.equal(torch.get_rng_state(), before)


def test_workers_mix_as_one_process_does(data):
    alone, helped = data().loader("train", 0), data("dataset.workers=1").loader("train", 0)
    for loader in (alone, helped):
        loader.sampler.set_epoch(3)
    assert all(torch.equal(a.wave_BT, b.wave_BT) for a, b in zip(alone, helped, strict=True))


def test_a_run_says_how_clean_its_waveforms_are(denoiser):
    test = json.loads((denoiser / "metrics.json").read_text())["test"]
    assert {"si_sdr", "si_sdr_improvement", "utterances"} <= test.keys()
    rows = [json.loads(line) for line in (denoiser / "predictions.jsonl").read_text().splitlines()]
    gains = [float(row["hypothesis"].split()[0]) - float(row["reference"].split()[0]) for row in rows]
    assert test["si_sdr_improvement"] == pytest.approx(sum(gains) / len(gains), abs=1e-3)
    assert "SI-SDR improvement" in (denoiser / "report.html").read_text()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["dataset.noises=null", "dataset.test_noises=null"], "of one speaker without noise mixes nothing"),
        ([*TWO, "dataset.noises=null"], "dataset.test_noises needs noises to train with"),
        (["dataset.noises=nowhere"], "dataset.noises: folder=nowhere is not a folder"),
        (["dataset.test_noises=nowhere"], "dataset.test_noises: folder=nowhere is not a folder"),
        (["dataset.speakers=0"], "dataset.speakers=0 should be a whole number from 1"),
        (["dataset.mixing.snr_db=[5,1]"], "should be two numbers, the lower one first"),
        (["dataset.speakers=2"], "dataset.speakers=2 does not go with a model of 1"),
        (["model.encoder.sources=2"], "dataset.speakers=1 does not go with a model of 2"),
        (["dataset.speakers=4", "model.encoder.sources=4"], "mixes different speakers, and the train part names 3"),
        (["model.encoder.sources=0"], "model.encoder.sources=0"),
        (["features=logmel"], "the features have 40 bins: choose features=raw"),
    ],
)
def test_what_cannot_be_mixed_is_refused(data, overrides, message):
    with pytest.raises(UserError, match=message):
        data(*overrides)


def test_one_speaker_cannot_be_two(tmp_path):
    with pytest.raises(UserError, match=r"the val part names 0: take a corpus or a dataset/split with more"):
        Mixing(RATE, None, speakers=2).check([], ["val"])


def test_clean_waveforms_are_asked_of_mixtures_alone(tones, launch):
    with pytest.raises(SystemExit, match=r"compares with the clean waveforms of mixtures, which dataset=mixtures"):
        launch(*[one for one in tones if "n_mels" not in one], *UNET)


def test_a_recogniser_learns_from_mixtures(mixtures, launch):
    folder = launch(*mixtures, *FAST, "model.encoder.width=16", "model.encoder.channels=[4,8]")
    assert json.loads((folder / "metrics.json").read_text())["test"]["words"]


def test_the_noises_are_part_of_what_a_run_is(mixtures, denoiser, tmp_path):
    from asrx.data.fingerprint import described

    cfg = checked([*mixtures, *UNET])
    before = described(cfg, prepare(cfg))
    path = Path(cfg.dataset.noises)
    (tmp_path / "more").mkdir()
    for file in path.iterdir():
        (tmp_path / "more" / file.name).write_bytes(file.read_bytes() + b"\0")
    cfg.dataset.noises = str(tmp_path / "more")
    assert described(cfg, prepare(cfg)) != before

"""Two speakers at once, and the word error rate of the best order."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from mixtures import UNET

from asrx.config.saved import config_of
from asrx.evaluation import speakers
from asrx.evaluation.speakers import HEARD, cp_errors, cp_rates, separator
from asrx.evaluation.trained import load
from asrx.types import UserError

TWO = ["dataset.speakers=2", "model.encoder.sources=2", "dataset.noises=null", "dataset.test_noises=null"]


@pytest.fixture(scope="module")
def splits(mixtures, run_of):
    """A run that separates two speakers, hardly."""
    return run_of(*mixtures, *UNET, *TWO)


@pytest.fixture(scope="module")
def recogniser(trained_run):
    return load(trained_run, config_of(trained_run, []))


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        (["a b", "c"], ["c", "a b"], 0),
        (["a b", "c"], ["a", "c d"], 2),
        (["a b", "c"], ["", ""], 3),
        (["a", "b", "c"], ["c", "a", "x"], 1),
    ],
)
def test_the_order_with_the_fewest_errors_counts(said, heard, errors):
    assert cp_errors(said, heard) == errors


def test_what_is_separated_without_fault_is_recognised_as_the_clean_sources(recogniser, splits):
    split = separator(splits)
    clean = []
    make = speakers.Mixer.__call__

    def kept(mixer, index):
        clean.append(make(mixer, index))
        return clean[-1]

    def ideal(wave_BT, lengths_B):  # in the other order
        own, clean[:] = torch.nn.utils.rnn.pad_sequence([one.sources_TS.flip(1) for one in clean], True), []
        return own, lengths_B

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speakers.Mixer, "__call__", kept)
        pipeline = SimpleNamespace(objective=split.model.pipeline.objective)
        oracle = type("Oracle", (), {"__call__": lambda self, *args: ideal(*args), **vars(pipeline)})()
        found = cp_rates(recogniser, split._replace(model=split.model._replace(pipeline=oracle)))
    assert found["separated"] == found["clean sources"] < found["mixture"]


def test_a_separator_is_measured_beside_the_clean_sources_and_the_mixture(recogniser, splits):
    found = cp_rates(recogniser, separator(splits))
    assert tuple(found) == HEARD
    assert all(rate >= 0 for rate in found.values())
    assert found == cp_rates(recogniser, separator(splits)), "the mixtures are always the same"


def test_what_does_not_fit_is_refused(recogniser, splits, denoiser, trained_run):
    for path in (denoiser, trained_run):
        with pytest.raises(UserError, match="makes no two waveforms"):
            separator(path)
    split = separator(splits)
    split.model.cfg.dataset.sample_rate = 16000
    with pytest.raises(UserError, match="hears 16000 Hz, and the recogniser 8000 Hz"):
        cp_rates(recogniser, split)
    split = separator(splits)
    heard = {int(recogniser.data.store.sources[recogniser.data.places["test"][0]])}
    with pytest.raises(UserError, match=r"was trained on 1 of the 12 recordings of this test part"):
        cp_rates(recogniser, split._replace(heard=heard))

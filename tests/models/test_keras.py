from __future__ import annotations

import pytest
import torch
from torch import nn

from asrx.models.clip_lstm import ClipLSTM
from asrx.models.keras import count, initialise
from asrx.models.wave_cnn import WaveCNN
from asrx.types import UserError


def test_an_lstm_begins_as_in_keras():
    lstm = nn.LSTM(6, 4)
    initialise(nn.ModuleList([lstm]))
    assert lstm.bias_ih_l0.tolist() == [0] * 4 + [1] * 4 + [0] * 8
    assert lstm.bias_hh_l0.tolist() == [0] * 16
    assert [name for name, p in lstm.named_parameters() if not p.requires_grad] == ["bias_hh_l0"]
    torch.testing.assert_close(lstm.weight_hh_l0.T @ lstm.weight_hh_l0, torch.eye(4), atol=1e-5, rtol=0)
    limit = (6 / (6 + 16)) ** 0.5  # Glorot: the four gates are one kernel
    assert 0.9 * limit < lstm.weight_ih_l0.abs().max() <= limit


def test_the_second_bias_stays_zero_in_training():
    torch.manual_seed(0)
    lstm = nn.LSTM(6, 4)
    initialise(lstm)
    optimizer = torch.optim.Adam(lstm.parameters())
    lstm(torch.randn(3, 2, 6))[0].sum().backward()
    before = lstm.bias_ih_l0.clone()
    optimizer.step()
    assert not lstm.bias_hh_l0.any()
    assert not torch.equal(before, lstm.bias_ih_l0)


@pytest.mark.parametrize("layer", [nn.Linear(60, 90), nn.Conv1d(20, 30, 3), nn.Conv2d(10, 15, (2, 3))])
def test_kernels_begin_glorot_uniform(layer):
    torch.manual_seed(0)
    initialise(layer)
    limit = (6 / (60 + 90)) ** 0.5
    assert 0.99 * limit < layer.weight.abs().max() <= limit
    assert layer.weight.std().item() == pytest.approx(limit / 3**0.5, rel=0.03)
    assert not layer.bias.any()


@pytest.mark.parametrize(("kernel", "variance"), [("he_normal", 2 / 200), ("glorot_normal", 2 / 500)])
def test_other_kernels_by_the_layers_name(kernel, variance):
    torch.manual_seed(0)
    network = nn.ModuleDict({"hidden": nn.Linear(200, 300), "head": nn.Linear(200, 300)})
    initialise(network, kernels={"hidden": kernel})
    weight = network["hidden"].weight
    assert weight.std().item() == pytest.approx(variance**0.5, rel=0.02)
    limit = 2 * variance**0.5 / 0.8796  # a normal cut at two standard deviations
    assert 0.98 * limit < weight.abs().max() < limit
    assert network["head"].weight.std().item() == pytest.approx((2 / 500) ** 0.5, rel=0.02)
    assert network["head"].weight.abs().max() <= (6 / 500) ** 0.5


@pytest.mark.parametrize(("kernels", "reason"), [({"hiden": "he_normal"}, "no layer"), ({"0": "he"}, "none of")])
def test_slips_in_the_kernels_are_told(kernels, reason):
    with pytest.raises(UserError, match=reason):
        initialise(nn.Sequential(nn.Linear(2, 3)), kernels)


def test_batch_normalisation_has_kerass_settings():
    network = nn.Sequential(nn.BatchNorm1d(3), nn.BatchNorm2d(3))
    initialise(network)
    assert [(norm.momentum, norm.eps) for norm in network] == [(0.01, 1e-3)] * 2


def test_what_is_counted():
    assert count(nn.BatchNorm1d(5)) == 20
    assert count(nn.LSTM(35, 256)) == 299_008
    assert count(nn.ModuleList([nn.LSTM(1, 25)])) == 2_700


@pytest.mark.parametrize(
    ("encoder", "labels", "trainable"),
    [(WaveCNN(1, 8000), 30, 1_970_286), (ClipLSTM(1, 17_640, width=25, hidden=50, pool="last"), 10, 4_510)],
    ids=["document 002", "document 004"],
)
def test_as_many_parameters_are_trained_as_published(encoder, labels, trainable):
    network = nn.ModuleList([encoder, nn.Linear(encoder.dim, labels)])
    initialise(network)
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == trainable

from __future__ import annotations

import pytest
import torch
from torch import nn

from asrx.models.cnn_lstm import CNNLSTM
from asrx.models.cost import multiply_adds
from asrx.models.lstm import LSTM
from asrx.models.transformer import Layer


@pytest.mark.parametrize(
    ("layer", "shape", "by_hand"),
    [
        (nn.Linear(3, 5), (2, 4, 3), 2 * 4 * 3 * 5),
        (nn.Conv1d(3, 5, 4, stride=2), (2, 3, 10), 2 * 5 * 4 * 3 * 4),  # 4 places
        (nn.Conv2d(4, 6, (3, 2), groups=2), (1, 4, 5, 5), 6 * 3 * 4 * 2 * 3 * 2),  # 3 x 4 places
        (nn.LSTM(3, 5, batch_first=True), (2, 7, 3), 2 * 7 * 4 * 5 * (3 + 5)),
        (nn.LSTM(3, 5, num_layers=2, bidirectional=True), (7, 2, 3), 2 * 7 * 2 * 4 * 5 * (3 + 5 + 10 + 5)),
        (nn.BatchNorm1d(3), (2, 3, 4), 0),
    ],
    ids=["dense", "conv1d", "conv2d", "lstm", "bilstm", "norm"],
)
def test_layers(layer, shape, by_hand):
    assert multiply_adds(layer, torch.randn(shape)) == by_hand


def test_a_rotary_transformer_costs_what_torchs_layer_does():
    layer = Layer(8, 2, expansion=2, dropout=0.0)
    keep = torch.ones(1, 1, 1, 5, dtype=torch.bool)
    assert multiply_adds(layer, torch.randn(1, 5, 8), keep) == 5 * (4 * 8 * 8 + 2 * 8 * 16) + 2 * 5 * 5 * 8


@pytest.mark.parametrize("batch_first", [True, False])
def test_attention_from_five_places_to_seven(batch_first):
    attention = nn.MultiheadAttention(8, 2, batch_first=batch_first)
    query, key = (torch.randn((3, n, 8) if batch_first else (n, 3, 8)) for n in (5, 7))
    projections = 3 * (5 + 7 + 7 + 5) * 8 * 8
    assert multiply_adds(attention, query, key, key) == projections + 2 * 3 * 5 * 7 * 8


def test_a_transformer_layer_is_not_hidden_by_its_fast_path():
    layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
    assert multiply_adds(layer, torch.randn(1, 5, 8)) == 5 * (4 * 8 * 8 + 2 * 8 * 16) + 2 * 5 * 5 * 8


def test_nothing_is_left_behind():
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    multiply_adds(network, torch.randn(4, 3))
    assert network.training
    assert not network[0]._forward_hooks
    assert network[1].num_batches_tracked == 0


@pytest.mark.parametrize(
    ("encoder", "expected"),
    [(CNNLSTM(13), 87_456), (LSTM(13, layers=1, bidirectional=False, dropout=0), 75_776)],
    ids=["CNN + LSTM", "pure LSTM"],
)
def test_multiply_adds_of_a_frame_in_document_001(encoder, expected):
    frames, lengths = torch.randn(1, 10, 13), torch.tensor([10])
    head = nn.Linear(encoder.dim, 28)
    encoded, _ = encoder(frames, lengths)
    assert multiply_adds(encoder, frames, lengths) + multiply_adds(head, encoded) == 10 * expected

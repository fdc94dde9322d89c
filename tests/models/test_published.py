"""The networks of documents 000, 001, 002 and 004, and of papers, against what those print."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from asrx.models.bc_resnet import BCResNet
from asrx.models.clip_lstm import ClipLSTM
from asrx.models.cnn_lstm import CNNLSTM
from asrx.models.image_cnn import ImageCNN, sliding_max
from asrx.models.inception import Inception
from asrx.models.keras import count
from asrx.models.lstm import LSTM
from asrx.models.plain_transformer import Layer as PlainLayer
from asrx.models.plain_transformer import PlainTransformer
from asrx.models.transformer import Layer
from asrx.models.wave_cnn import WaveCNN
from asrx.types import UserError

FILTERS = [(8, 16, 32), (16, 32, 64), (32, 64, 128), (64, 128, 256), (128, 256, 512)]
GRID = {  # document 000: layers, then a column of the table of filters
    2: (130_924, 273_356, 592_780, 1_369_868, 3_477_004),
    3: (43_452, 103_020, 270_540, 799_116, 2_630_412),
    4: (21_644, 64_012, 210_956, 753_676, 2_834_444),
    6: (16_428, 62_796, 245_388, 969_996, 3_856_908),
    8: (20_812, 80_780, 318_220, 1_263_116, 5_032_972),
}
image = partial(ImageCNN, in_dim=50, in_frames=98)
mfcc = partial(CNNLSTM, in_dim=13)
PUBLISHED = {
    **{
        f"000 CNN {layers} {channels}": (partial(image, layers=layers, channels=channels), 12, total)
        for layers, totals in GRID.items()
        for channels, total in zip(FILTERS, totals, strict=True)
    },
    "000 Inception": (partial(image, layers=3, inception=True), 12, 1_651_436),
    "000 Inception, tuned": (partial(image, layers=8, channels=(64, 128, 256), inception=True), 12, 2_915_052),
    "001 CNN + LSTM": (mfcc, 28, 168_284),
    "001 BiLSTM": (partial(mfcc, width=64, bidirectional=True), 28, 135_516),
    "001 two convolutions": (partial(mfcc, channels=(32, 64), padding="valid"), 28, 219_548),
    "001 pure LSTM": (partial(LSTM, 13, layers=1, bidirectional=False, dropout=0), 28, 76_316),
    "002 Extra Conv1D Augmented V3": (partial(WaveCNN, 1, 8000), 30, 1_970_830),
    "003 transformer": (partial(PlainTransformer, 80), 9, 5_590_857),
    "004 raw": (partial(ClipLSTM, 1, 17_640, width=25, hidden=50, pool="last"), 10, 4_510),
    "004 spectrogram": (partial(ClipLSTM, 64, 35, over="frequency", pool="units"), 10, 318_218),
    "004 spectrogram, over time": (partial(ClipLSTM, 64, 35), 10, 397_066),
}


@pytest.mark.parametrize(("make", "labels", "total"), PUBLISHED.values(), ids=PUBLISHED)
def test_parameters_are_as_many_as_published(make, labels, total):
    with torch.device("meta"):
        encoder = make()
        assert count(nn.ModuleList([encoder, nn.Linear(encoder.dim, labels)])) == total


@pytest.mark.parametrize(("width", "total"), [(1, 9_232), (8, 321_068)])
def test_bc_resnet_has_the_parameters_of_its_paper(width, total):
    encoder = BCResNet(40, width)
    assert sum(p.numel() for p in nn.ModuleList([encoder, nn.Linear(encoder.dim, 12)]).parameters()) == total


small_image = partial(ImageCNN, 10, 21, channels=(3, 4, 5), layers=3)
small_wave = partial(WaveCNN, 2, 21, channels=(3, 4, 5), kernels=(6, 4, 3))
small_clip = partial(ClipLSTM, 10, 21, width=6, hidden=7)
WHOLE_CLIPS = {
    "image": small_image,
    "image, global": partial(small_image, pool="global"),
    "image, inception": partial(small_image, inception=True),
    "wave": small_wave,
    "wave, one convolution": partial(WaveCNN, 2, 21, channels=(3,), kernels=(4,), dense=(), pool="average"),
    "clip, last": partial(small_clip, pool="last"),
    "clip, time": small_clip,
    "clip, units": partial(small_clip, pool="units"),
    "clip, frequency": partial(small_clip, over="frequency", pool="units"),
    "clip, frequency, last": partial(small_clip, over="frequency", pool="last"),
}


@pytest.mark.parametrize("make", WHOLE_CLIPS.values(), ids=WHOLE_CLIPS)
def test_a_clip_becomes_one_frame(make):
    encoder = make()
    frames = torch.randn(3, 21, 2 if isinstance(encoder, WaveCNN) else 10)
    lengths = torch.tensor([21, 5, 1])
    encoded, encoded_lengths = encoder(frames, lengths)
    assert encoded.shape == (3, 1, encoder.dim)
    assert encoded_lengths.tolist() == encoder.out_len(lengths).tolist() == [1, 1, 1]
    assert encoder.out_len(21) == 1
    encoder.eval()
    torch.testing.assert_close(encoder(frames[1:2], lengths[1:2])[0], encoder(frames, lengths)[0][1:2])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (partial(ImageCNN, 50, None), "clips of one length"),
        (partial(WaveCNN, 1, None), "clips of one length"),
        (partial(ClipLSTM, 64, None, over="frequency"), "clips of one length"),
        (partial(ClipLSTM, 64, None, pool="units"), "clips of one length"),
        (partial(ClipLSTM, 64, 35, over="bins"), "model.encoder.over=bins"),
        (partial(ClipLSTM, 64, 35, pool="first"), "model.encoder.pool=first"),
        (partial(ImageCNN, 50, 98, layers=0), "at least 1"),
        (partial(ImageCNN, 50, 98, layers=1, inception=True), "at least 2"),
        (partial(ImageCNN, 50, 98, channels=(8, 16)), "give three"),
        (partial(ImageCNN, 50, 98, pool="max"), "model.encoder.pool=max"),
        (partial(WaveCNN, 1, 8000, kernels=(100,)), "4 channels and 1 kernels"),
        (partial(WaveCNN, 1, 15), "longer dataset.clip.seconds"),
        (partial(WaveCNN, 1, 8000, activations=("gelu",)), "activations: gelu"),
        (partial(WaveCNN, 1, 8000, pool="min"), "model.encoder.pool=min"),
        (partial(CNNLSTM, 1), "at least 2 feature bins"),
        (partial(CNNLSTM, 5, channels=(4, 4), padding="valid"), "at least 6 feature bins"),
        (partial(CNNLSTM, 13, padding="full"), "model.encoder.padding=full"),
        (partial(CNNLSTM, 13, attention_heads=3), "model.encoder.attention_heads=3"),
    ],
)
def test_what_cannot_be_built_says_why(make, reason):
    with pytest.raises(UserError, match=reason):
        make()


LENGTH_TRUE = {
    "same": partial(CNNLSTM, 7, channels=(3, 4), width=5),
    "valid": partial(CNNLSTM, 7, channels=(3,), padding="valid", width=5),
    "attention": partial(CNNLSTM, 7, channels=(3, 4), width=4, bidirectional=True, attention_heads=2),
    "clip, last": partial(ClipLSTM, 7, None, width=5, hidden=6, pool="last"),
    "clip, time": partial(ClipLSTM, 7, None, width=5, hidden=6),
}


@pytest.mark.parametrize("make", LENGTH_TRUE.values(), ids=LENGTH_TRUE)
def test_padding_changes_nothing_however_short(make):
    torch.manual_seed(0)
    encoder = make().eval()
    lengths = torch.tensor([1, 2, 3, 4, 5, 12])
    frames = torch.zeros(6, 15, 7)
    for row, n in zip(frames, lengths, strict=True):
        row[:n] = torch.randn(n, 7) + 1
    together, together_lengths = encoder(frames, lengths)
    assert together_lengths.tolist() == [encoder.out_len(n) for n in lengths.tolist()]
    for i, n in enumerate(lengths.tolist()):
        alone, alone_lengths = encoder(frames[i : i + 1, :n], lengths[i : i + 1])
        kept = int(together_lengths[i])
        assert kept == alone_lengths[0] == encoder.out_len(n)
        torch.testing.assert_close(alone[0, :kept], together[i, :kept], atol=1e-6, rtol=1e-5)
        assert not together[i, kept:].any()
        assert not alone[0, kept:].any()
    together.sum().backward()
    assert all(p.grad.isfinite().all() for p in encoder.parameters())


def test_frames_left_by_convolutions_and_pool():
    same, valid = CNNLSTM(7), CNNLSTM(7, channels=(3, 3), padding="valid")
    assert [same.out_len(n) for n in (1, 2, 3, 500)] == [0, 1, 1, 250]
    assert [valid.out_len(n) for n in (1, 4, 5, 6, 7, 500)] == [0, 0, 0, 1, 1, 248]
    assert valid.out_len(torch.tensor([1, 5, 7])).tolist() == [0, 0, 1]
    assert valid(torch.zeros(1, 7, 7), torch.tensor([7]))[0].shape[1] == 1


def test_the_lstm_hears_the_largest_of_four_places():
    encoder = CNNLSTM(5, channels=(2,), width=3, dropout=1.0)
    nn.init.zeros_(encoder.convs[0].bias)
    nn.init.dirac_(encoder.convs[0].weight[:1])
    encoder.convs[0].weight.data[1] = -encoder.convs[0].weight.data[0]  # what goes in, and its negative
    heard = []
    encoder.lstm.register_forward_pre_hook(lambda layer, given: heard.append(given[0]))
    frames = torch.tensor([[[1.0, 2, -3, -4, 9], [3, 4, -5, -6, 9], [9, 9, 9, 9, 9]]])
    encoder.eval()(frames, torch.tensor([3]))
    assert heard.pop().tolist() == [[[4, 0, 0, 6]]]  # channel by channel; the odd frame and bin are left out
    encoder.train()(frames, torch.tensor([3]))
    assert not heard.pop().any()


def test_attention_is_added_to_the_lstm():
    torch.manual_seed(0)
    encoder = CNNLSTM(7, channels=(3,), width=4, attention_heads=2).eval()
    frames, lengths = torch.randn(2, 8, 7), torch.tensor([8, 6])
    with_attention = encoder(frames, lengths)[0]
    nn.init.zeros_(encoder.attention.out_proj.weight)
    without = encoder(frames, lengths)[0]
    encoder.attention = None
    torch.testing.assert_close(encoder(frames, lengths)[0], without)
    assert not torch.allclose(with_attention, without)


def test_over_frequency_the_bins_are_the_steps():
    torch.manual_seed(0)
    encoder = ClipLSTM(8, 5, width=6, hidden=3, over="frequency", pool="units")
    seen = []
    encoder.lstm.register_forward_hook(lambda layer, given, out: seen.append(out))
    encoder.hidden.register_forward_pre_hook(lambda layer, given: seen.append(given[0]))
    frames, lengths = torch.randn(1, 5, 8), torch.tensor([5])
    encoder(frames, lengths)
    frames[:, :, 4] += 1
    encoder(frames, lengths)
    before_BSD, pooled_BS, after_BSD, _ = seen
    changed = (before_BSD != after_BSD).any(2)[0]
    assert changed.tolist() == [False] * 4 + [True] * 4  # a bin is seen by itself and those above it
    torch.testing.assert_close(pooled_BS, before_BSD.mean(2))


@pytest.mark.parametrize("pool", ["last", "time"])
def test_over_time_only_valid_steps_are_pooled(pool):
    torch.manual_seed(0)
    encoder = ClipLSTM(3, None, width=4, hidden=6, pool=pool)
    frames, lengths = torch.randn(2, 7, 3), torch.tensor([4, 7])
    for i, n in enumerate(lengths.tolist()):
        steps, (last, _) = encoder.lstm.layers[0][0](frames[i : i + 1, :n])
        expected = last[0] if pool == "last" else steps.mean(1)
        torch.testing.assert_close(encoder(frames, lengths)[0][i], encoder.hidden(expected).relu())


def test_the_penalty_is_that_of_the_kernels_outside_inception():
    encoder = small_image(inception=True, l2=0.01)
    for parameter in encoder.parameters():
        nn.init.constant_(parameter, 2.0)
    kernels = 9 * (1 * 3 + 3 * 4 + 512 * 5)  # without biases, normalisation and the inception modules
    assert encoder.penalty().item() == pytest.approx(0.01 * 4 * kernels)
    encoder.penalty().backward()
    torch.testing.assert_close(encoder.convs[0].weight.grad, 0.01 * 2 * encoder.convs[0].weight)


def test_the_sliding_maximum_looks_five_back_and_six_ahead():
    x = -torch.ones(1, 1, 20, 1)  # below zero, which padding with zeros would show
    x[0, 0, 9] = 1
    assert sliding_max(x).flatten().nonzero().flatten().tolist() == list(range(20))
    assert (sliding_max(x).flatten() == 1).nonzero().flatten().tolist() == list(range(3, 15))


def test_an_odd_row_is_halved_upwards():
    halved = small_image().halve(torch.arange(1.0, 16).reshape(1, 1, 5, 3))
    assert halved[0, 0].tolist() == [[5, 6], [11, 12], [14, 15]]


def test_the_global_pool_is_a_mean():
    encoder = small_image(pool="global").eval()
    seen = []
    encoder.norms[-1].register_forward_hook(lambda layer, given, out: seen.append(out))
    encoded, _ = encoder(torch.randn(2, 21, 10), torch.tensor([21, 21]))
    torch.testing.assert_close(encoded[:, 0], seen[0].relu().mean((2, 3)))


def test_inception_branches_lie_next_to_each_other():
    module = Inception(3, 2, (4, 5), (6, 7), 8)
    x = torch.randn(1, 3, 4, 6)
    out = module(x)
    assert out.shape == (1, module.dim, 4, 6)
    assert (out >= 0).all()
    x[0, :, 0, 0] += 1000
    reach = [(part != 0).any((0, 1)).nonzero().amax(0).tolist() for part in (module(x) - out).split([2, 5, 7, 8], 1)]
    assert reach == [[0, 0], [1, 1], [2, 2], [1, 1]]  # 1x1, 3x3, 5x5, and a pool of 3x3


def test_an_even_kernel_reaches_one_further_ahead_than_back():
    encoder = WaveCNN(1, 8, channels=(1,), kernels=(4,), activations=("relu",), dense=())
    pad, conv = encoder.convs[:2]
    nn.init.constant_(conv.bias, 0)
    conv.weight.data = torch.tensor([[[1.0, 10, 100, 1000]]])
    wave = torch.zeros(1, 1, 8)
    wave[0, 0, 3] = 1
    assert conv(pad(wave))[0, 0].tolist() == [0, 1000, 100, 10, 1, 0, 0, 0]


def test_layers_of_the_wave_model_come_in_the_published_order():
    names = [type(layer).__name__ for layer in WaveCNN(1, 8000).convs]
    block = ["ConstantPad1d", "Conv1d", "Tanh", "BatchNorm1d", "MaxPool1d", "Dropout1d"]
    other = ["ReLU" if name == "Tanh" else name for name in block]
    assert names == [*block, *other, *block, *other[:-1], "Dropout"]
    three = WaveCNN(1, 8000, channels=(8, 16, 24), kernels=(100, 60, 40))  # the dense layers begin with tanh here too
    names = [type(layer).__name__ for layer in three.dense]
    assert names == ["Linear", "Tanh", "BatchNorm1d", "Linear", "ReLU", "BatchNorm1d", "Dropout"]


def test_the_wave_models_pool_can_be_a_mean():
    wave = partial(WaveCNN, 1, 4, channels=(1,), kernels=(3,), dense=())
    largest, mean = wave().convs[4], wave(pool="average").convs[4]
    x = torch.tensor([[[1.0, 5, 2, 4, 9]]])
    assert (largest(x).tolist(), mean(x).tolist()) == ([[[5, 4]]], [[[3, 3]]])


def test_the_flattened_frames_are_those_of_the_clip():
    torch.manual_seed(0)
    encoder = small_wave().eval()
    frames = torch.randn(2, 21, 2)
    out = encoder(frames, torch.tensor([21, 21]))[0]
    left_BCT = encoder.convs(frames.transpose(1, 2))
    by_hand = torch.cat([encoder.dense(left_BCT[:, :, t]) for t in range(left_BCT.shape[2])], 1)
    torch.testing.assert_close(out[:, 0], by_hand)


def test_without_positions_the_order_of_frames_means_nothing():
    """Document 003's mistake, kept as it is; rotary positions, elsewhere, hear the order."""
    torch.manual_seed(0)
    layers = {
        False: PlainLayer(16, 4, 32, 0.0),
        True: Layer(16, 4, 2, 0.0),
    }
    x_BTD, keep, order = torch.randn(1, 9, 16), torch.ones(1, 1, 1, 9, dtype=torch.bool), torch.randperm(9)
    for heard, layer in layers.items():
        one, other = layer(x_BTD, keep)[:, order], layer(x_BTD[:, order], keep)
        assert torch.allclose(one, other, atol=1e-5) != heard


def test_padding_that_counts_as_sound_changes_what_the_plain_transformer_says():
    torch.manual_seed(0)
    encoder = PlainTransformer(8, 4, 16, 4, 2, 32).eval()
    frames = torch.zeros(1, 20, 8)
    frames[:, :12] = torch.randn(1, 12, 8)
    masked, _ = encoder(frames, torch.tensor([12]))
    heard, _ = encoder(frames, torch.tensor([20]))
    assert not torch.allclose(masked[:, :6], heard[:, :6], atol=1e-3)
    torch.testing.assert_close(masked[:, :6], encoder(frames[:, :12], torch.tensor([12]))[0], atol=1e-5, rtol=1e-4)

"""Models that make waveforms."""

from __future__ import annotations

import pytest
import torch

from asrx.models.conv_tasnet import ConvTasNet
from asrx.models.stft import Stft
from asrx.models.unet import UNet
from asrx.objectives.si_sdr import SiSdr
from asrx.types import Targets, UserError

MODELS = [
    lambda sources: UNet(1, sources, n_fft=64, channels=(4, 8)),
    lambda sources: ConvTasNet(1, sources, kernel=16, filters=16, width=8, hidden=16, layers=2, stacks=2),
]


@pytest.mark.parametrize("n", [1, 63, 64, 65, 1000])
def test_spectra_left_as_they_are_give_the_waveform_back(n):
    stft, wave = Stft(64), torch.randn(2, n)
    spectrum = stft(wave)
    assert spectrum.shape == (2, 2, stft.frames(n), 33)
    torch.testing.assert_close(stft.inverse(spectrum, n), wave, atol=1e-5, rtol=1e-5)


def test_spectra_are_those_of_torch():
    stft, wave = Stft(64), torch.randn(1, 320)
    window = torch.hann_window(64).sqrt()
    theirs = torch.stft(wave, 64, 32, window=window, center=True, pad_mode="constant", return_complex=True)
    torch.testing.assert_close(stft(wave)[0], torch.view_as_real(theirs)[0].permute(2, 1, 0), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("sources", [1, 2])
def test_a_model_learns_and_its_level_follows_that_of_what_it_hears(make, sources):
    torch.manual_seed(0)
    model, wave, lengths = make(sources), 0.1 * torch.randn(2, 700, 1), torch.tensor([700, 500])
    wave[1, 500:] = 0
    made, _ = model(wave, lengths)
    assert made.shape == (2, 700, sources)
    clean = torch.randn(2, 700, sources)
    SiSdr(sources).loss(made, lengths, Targets(None, None, clean)).sum().backward()
    assert all(weight.grad.isfinite().all() and weight.grad.any() for weight in model.parameters())
    model.eval()
    torch.testing.assert_close(model(4 * wave, lengths)[0], 4 * model(wave, lengths)[0], atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("kernel", [16, 17])
def test_conv_tasnet_is_torchaudios_where_there_is_no_padding(kernel):
    from torchaudio.models import ConvTasNet as Theirs

    torch.manual_seed(0)
    ours = ConvTasNet(1, 2, kernel=kernel, filters=16, width=8, hidden=16, layers=2, stacks=2)
    theirs = Theirs(2, kernel, 16, 3, 8, 16, 2, 2, "relu")
    for weight in ours.parameters():
        weight.data.add_(torch.randn_like(weight) / 10)
    theirs.load_state_dict(
        {
            name.replace("weight_C", "weight").replace("bias_C", "bias"): value
            for name, value in ours.network.state_dict().items()
        }
    )
    for n in (403, 404, 408):
        wave = torch.randn(2, n)
        wave /= wave.square().mean(1, keepdim=True).sqrt()
        expected = theirs(wave[:, None]).transpose(1, 2)
        torch.testing.assert_close(ours(wave[:, :, None], torch.tensor([n, n]))[0], expected, atol=1e-4, rtol=1e-3)


def test_silence_stays_silent():
    for make in MODELS:
        made, _ = make(1).eval()(torch.zeros(1, 300, 1), torch.tensor([300]))
        assert not made.any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UNet(40), "the features have 40 bins: choose features=raw"),
        (lambda: ConvTasNet(40), "the features have 40 bins: choose features=raw"),
        (lambda: ConvTasNet(1, 0), "model.encoder.sources=0"),
        (lambda: UNet(1, n_fft=63), "model.encoder.n_fft=63"),
        (lambda: UNet(1, channels=()), "names no layer"),
    ],
)
def test_what_cannot_be_is_told(make, message):
    with pytest.raises(UserError, match=message):
        make()

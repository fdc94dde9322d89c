"""The filterbanks of engines, against the library that the engines compute them with."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from asrx.features.kaldi import Kaldi
from asrx.features.logmel import LogMel
from asrx.features.nemo import Nemo

RATE = 16000
GENERATOR = torch.Generator().manual_seed(0)
# noise that comes and goes, a level apart: what energies of speech do
WAVES = [
    torch.randn(n, generator=GENERATOR) * level * torch.sin(torch.arange(n) / 3000).abs() + level / 10
    for n, level in [(16000, 0.1), (23457, 0.01), (1003, 0.3), (399, 0.1)]
]
LENGTHS = torch.tensor([len(wave) for wave in WAVES])
BATCH = torch.nn.utils.rnn.pad_sequence(WAVES, batch_first=True)


def reference(wave: torch.Tensor, librosa: bool) -> np.ndarray:
    import kaldi_native_fbank as knf

    options = knf.FbankOptions()
    options.frame_opts.dither, options.frame_opts.snip_edges, options.frame_opts.samp_freq = 0, False, RATE
    options.mel_opts.num_bins, options.mel_opts.high_freq = 80, -400
    if librosa:
        options.frame_opts.window_type, options.frame_opts.remove_dc_offset = "hann", False
        options.mel_opts.is_librosa, options.mel_opts.low_freq, options.mel_opts.high_freq = True, 0, 0
    fbank = knf.OnlineFbank(options)
    fbank.accept_waveform(RATE, wave.tolist())
    fbank.input_finished()
    return np.stack([fbank.get_frame(i) for i in range(fbank.num_frames_ready)])


@pytest.mark.parametrize(("features", "librosa"), [(Kaldi, False), (Nemo, True)])
@pytest.mark.parametrize("exported", [False, True])
def test_a_batch_is_what_kaldi_native_fbank_gives_alone(features, librosa, exported, monkeypatch):
    monkeypatch.setattr(torch.onnx, "is_in_onnx_export", lambda: exported)
    frames, lengths = features(RATE, normalize="none")(BATCH, LENGTHS)
    for row, n, wave in zip(frames, lengths, WAVES, strict=True):
        expected = reference(wave, librosa)
        assert expected.shape == (n, 80)
        np.testing.assert_allclose(row[:n].numpy(), expected, atol=2e-3)


@pytest.mark.parametrize("log", ["natural", "db"])
def test_an_exported_log_mel_is_the_trained_one(log, monkeypatch):
    features = LogMel(RATE, log=log)
    expected, _ = features(BATCH, LENGTHS)
    monkeypatch.setattr(torch.onnx, "is_in_onnx_export", lambda: True)
    torch.testing.assert_close(features(BATCH, LENGTHS)[0], expected, atol=2e-3, rtol=1e-3)

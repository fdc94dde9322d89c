"""A stream answers what the whole recording answers, in parts of any size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from asrx.config.compose import compose
from asrx.features.convolutions import Convolutions
from asrx.features.cqt import CQT
from asrx.features.deltas import Deltas
from asrx.features.kaldi import Kaldi
from asrx.features.leaf import Leaf
from asrx.features.logmel import LogMel
from asrx.features.nemo import Nemo
from asrx.features.pcen import PCEN
from asrx.features.pitch import Pitch
from asrx.recognition.engines import Engine
from asrx.recognition.pauses import SpeechDetector
from asrx.recognition.recognizer import Recognizer
from asrx.recognition.streaming import CausalStream, FrameStream, WindowStream
from asrx.training.pipeline import build_pipeline
from asrx.types import UserError

RATE = 16000
SIZES = ([1600] * 40, [1] * 300 + [7, 4000, 399, 401, 20000], [30000])


def sound(seconds: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    pitches = torch.rand(int(seconds * 8), generator=generator).mul(900).add(80).repeat_interleave(RATE // 8)
    return ((pitches / RATE).cumsum(0) % 1 - 0.5) * 0.3 + 0.01 * torch.randn(len(pitches), generator=generator)


def parts(wave, sizes):
    for size in sizes:
        yield wave[:size]
        wave = wave[size:]
    yield wave


def with_slopes(rate: int, normalize: str) -> Deltas:
    return Deltas(LogMel(rate), normalize=normalize)


def convolutions(rate: int, normalize: str) -> Convolutions:
    return Convolutions(normalize=normalize)


@pytest.mark.parametrize("features", [LogMel, Kaldi, Nemo, CQT, Pitch, PCEN, Leaf, with_slopes, convolutions])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("samples", [25037, 25120, 300])
def test_features_of_parts_are_those_of_the_whole(features, sizes, samples):
    wave = sound(2)[:samples]
    extract = features(RATE, normalize="none")
    whole, _ = extract(wave[None], torch.tensor([samples]))
    stream = FrameStream(extract)
    found = torch.cat([*(stream.accept(part) for part in parts(wave, sizes)), stream.finish()], 1)
    torch.testing.assert_close(found, whole, atol=1e-5, rtol=1e-5)


def built(*overrides: str):
    chosen = ["model=stream_ctc", "features=nemo", "features.normalize=corpus", "model.encoder.width=32"]
    return build_pipeline(compose([*chosen, *overrides])).eval()


@torch.no_grad()
def untrained(*overrides: str):
    torch.manual_seed(5)
    pipeline = built(*overrides)
    pipeline.features.fit([(sound(4)[None], torch.tensor([4 * RATE]))])
    given = sound(4)[None], torch.tensor([4 * RATE])
    pipeline.train()(*given)
    objective = pipeline.eval().objective
    objective.head.weight.data.mul_(20)
    objective.head.bias.data -= objective.head(objective.norm(pipeline(*given)[0])).mean((0, 1))  # no output is rare
    return pipeline


@pytest.mark.parametrize("sizes", SIZES)
@torch.inference_mode()
def test_the_text_of_a_stream_is_that_of_the_recording(sizes):
    pipeline, wave = untrained(), (sound(3) * 32768).round() / 32768
    encodings = pipeline(wave[None], torch.tensor([len(wave)]))
    expected = pipeline.objective.decode(*encodings)[0].text
    stream = CausalStream(pipeline, RATE)
    samples = (wave * 32768).round().numpy().astype("int16")
    heard = [h for part in parts(samples, sizes) for h in stream.accept(part)] + stream.finish()
    assert len(expected) > 5
    (final,) = [h for h in heard if h.final]
    assert final.text == expected.strip()
    assert [word.text for word in final.words] == expected.split()
    partial = [h.text for h in heard if not h.final]
    assert all(expected.strip().startswith(text) for text in partial)


def test_pauses_end_utterances_and_no_frame_is_lost():
    pipeline = untrained("model.encoder.lookahead=0")
    stream = CausalStream(pipeline, RATE)
    blank = stream.decoder.blank
    pieces = "_" * 70 + "aab" + "_" * 40 + "c" + "_" * 29 + "c" + "_" * 31 + "d" + "_" * 5  # 40 ms each; 1.2 s are 30
    logp = torch.full((len(pieces), blank + 1), -20.0)
    for row, character in zip(logp, pieces, strict=True):
        row[blank if character == "_" else stream.decoder.labels.index(character)] = 0
    heard = []
    pipeline.objective.outputs = lambda enc_BTD, _: enc_BTD
    for part in logp.split(7):
        heard += list(stream._heard(part[None]))
    heard += stream._over(len(stream.logp_TV))
    final = [h for h in heard if h.final]
    assert [h.text for h in final] == ["ab", "cc", "d"]
    assert final[0].words[0].start == pytest.approx(70 * 0.04)
    assert final[2].words[0].start == pytest.approx(pieces.index("d") * 0.04)
    assert stream.begun == len(pieces)


def test_any_model_can_be_streamed_by_windows(monkeypatch):
    """The text is that of the whole recording, cut in its pauses."""
    import asrx.recognition.recognizer as whole
    import asrx.recognition.streaming as parts_

    class Loud(SpeechDetector):
        def __init__(self, rate):
            super().__init__(16000)
            self.detector = lambda chunk: float(np.abs(np.frombuffer(chunk, "<i2")).max() > 300)

    for module in (whole, parts_):
        monkeypatch.setattr(module, "SpeechDetector", Loud)
    pipeline = untrained("features.normalize=utterance", "model.encoder.width=48")

    class Whole(Engine):
        sample_rate, frame, decoder = RATE, 0.04, pipeline.objective.decoder

        @torch.inference_mode()
        def __call__(self, wave_BT, lengths_B):
            encodings = pipeline(wave_BT, lengths_B)
            return pipeline.objective.outputs(*encodings), encodings[1]

    words, silence = sound(6).split(RATE), torch.zeros(RATE)
    wave = torch.cat([silence, words[0], silence[:9000], *words[1:5], silence, silence, words[5]])
    samples = (wave.numpy() * 32767).astype("int16")
    recognizer = Recognizer(Whole(), longest=3.0)
    expected = recognizer(samples).pieces
    stream, heard = WindowStream(recognizer), []
    for start in range(0, len(samples), 1600):
        heard += stream.accept(samples[start : start + 1600])
        assert len(stream.wave_T) < 5 * RATE
    heard += stream.finish()
    final = [h for h in heard if h.final]
    assert [h.text for h in final] == [piece.text for piece in expected if piece.text]
    assert [h.start for h in final] == pytest.approx([piece.start for piece in expected if piece.text], abs=1e-3)
    assert len(final) >= 4 and len(heard) > 2 * len(final)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["model=crnn_ctc"], "this model's encoder looks at the whole recording"),
        (["features.normalize=utterance"], "features.normalize=utterance or its level"),
        (["features=logmel", "features.normalize=corpus", "features.gain=unit"], "its level looks at the whole"),
        (["dataset.clip.seconds=1"], "dataset.clip, augment.test and features.enhance"),
        (["model/objective=joint"], "a stream is written down by CTC, and this model has another objective"),
    ],
)
def test_what_needs_the_whole_recording_is_said(overrides, sentence):
    with pytest.raises(UserError, match=sentence):
        CausalStream(built(*overrides), RATE)

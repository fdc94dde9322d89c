"""Exported models against the trained ones, in the engines that they are for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile
import torch

from asrx.config.compose import compose
from asrx.export.card import write_card
from asrx.export.export import Report
from asrx.export.folder import write_config, write_model
from asrx.export.forms.all import FORMS
from asrx.export.forms.waves import Waves
from asrx.export.parity import Exported, parity
from asrx.recognition.engines import Engine
from asrx.recognition.recognizer import Recognizer, load
from asrx.training.pipeline import build_pipeline
from asrx.types import UserError

RATE = 16000


def untrained(*overrides: str, labels=None):
    """A config and its pipeline with weights that write something; batch normalisation has seen something."""
    cfg = compose([f"dataset.sample_rate={RATE}", "model.encoder.dropout=0", *overrides])
    torch.manual_seed(1)
    pipeline = build_pipeline(cfg, labels=labels)
    for _ in range(3):
        pipeline.train()(torch.randn(4, RATE) / 10, torch.full((4,), RATE))
    pipeline.objective.head.weight.data.mul_(12)
    return cfg, pipeline.eval()


def sounds(count: int = 12) -> list[torch.Tensor]:
    """Buzzes that change their pitch and level, of 0.2 to 2 s, some of them quiet."""
    generator = torch.Generator().manual_seed(0)
    waves = []
    for i in range(count):
        pitches = torch.rand(4 + i, generator=generator).mul(900).add(80).repeat_interleave(2000 if i else 800)
        phase = (pitches / RATE).cumsum(0)
        noise = torch.randn(len(phase), generator=generator)
        waves.append((phase % 1 - 0.5 + 0.1 * noise) * torch.rand(1, generator=generator) * 0.5 + 0.01)
    return waves


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    for i, wave in enumerate(sounds()):
        soundfile.write(folder / f"{i:02d}.wav", wave.clamp(-1, 1).numpy(), RATE)
    return folder


def exported(folder, cfg, pipeline, form="onnx"):
    """The folder that `asrx export` would make, without its checks and its card."""
    chosen = FORMS[form](cfg, pipeline)
    path = write_model(folder, chosen)
    write_config(folder, cfg, chosen, path.name, chosen.batched)
    return chosen, path


MODELS = {
    "crnn": (["model.encoder.width=32", "model.encoder.layers=2", "features.gain=unit"], None),
    "attention": (
        ["model=cnn_lstm", "model.encoder.attention_heads=2", "features=mfcc", "features.log=db"],
        ["a", "b"],
    ),
    "conformer": (["model=conformer_ctc", "model.encoder.layers=2", "features.gain=unit"], None),
    "bc_resnet": (["model=bc_resnet"], ["a", "b"]),
    "conv_lstm": (["model/encoder=conv_lstm", "model.encoder.width=4", "features.gain=unit"], None),
    "raw": (["model/encoder=wave_resnet", "model.encoder.blocks=1", "features=raw"], None),
    "raw clips": (["model/encoder=cnn1d", "features=raw", "dataset.clip.seconds=1"], None),
    "corpus": (["model/encoder=lstm", "features.normalize=corpus", "model.encoder.bidirectional=false"], None),
    **{
        front: ([f"features={front}", "model/encoder=lstm"], None)
        for front in ("convolutions", "cqt", "deltas", "leaf", "logmel_pitch", "pcen", "pitch")
    },
}


@pytest.mark.parametrize("name", MODELS)
def test_waves_are_answered_as_in_torch(name, tmp_path, recordings):
    overrides, labels = MODELS[name]
    cfg, pipeline = untrained(*overrides, labels=labels)
    form, path = exported(tmp_path, cfg, pipeline)
    found = parity(Exported(path, form), sounds())
    assert found.same == found.recordings == 12
    assert max(found.alone, found.padded) < 2e-3
    assert str(tmp_path.parent).encode() not in path.read_bytes(), "a path of this machine"
    assert b"asrx/" not in path.read_bytes(), "a path of this machine"
    recognizer = load(tmp_path)
    expected = pipeline.objective.decode(*pipeline(*_padded(sounds()[:3])))
    assert [answer.text for answer in recognizer(sorted(recordings.glob("*.wav")))][:3] == [h.text for h in expected]
    assert any(h.text for h in expected)


def _padded(waves):
    return torch.nn.utils.rnn.pad_sequence(waves, batch_first=True), torch.tensor([len(wave) for wave in waves])


SHERPA = """
import sys, json, pathlib, soundfile, sherpa_onnx
factory, folder, recordings, *more = sys.argv[1:]
make = getattr(sherpa_onnx.OfflineRecognizer, factory)
recognizer = make(model=f"{folder}/model.onnx", tokens=f"{folder}/tokens.txt", **json.loads(more[0]))
streams = []
for path in sorted(pathlib.Path(recordings).glob("*.wav")):
    wave, rate = soundfile.read(path, dtype="float32")
    streams.append(recognizer.create_stream())
    streams[-1].accept_waveform(rate, wave)
recognizer.decode_streams(streams)
print(json.dumps([[s.result.text, list(s.result.timestamps)] for s in streams]))
"""

ONNX_ASR = """
import sys, json, pathlib, onnx_asr
folder, recordings = sys.argv[1:]
model = onnx_asr.load_model("nemo-conformer-ctc", folder)
print(json.dumps([model.recognize(str(path)) for path in sorted(pathlib.Path(recordings).glob("*.wav"))]))
"""


def _run(code: str, *arguments) -> list:
    """Engines end the process where a model is not as they want it."""
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("form", "overrides", "factory", "arguments"),
    [
        ("onnx", ["features.gain=unit", "features.n_mels=80"], "from_omnilingual_asr_ctc", {}),
        ("sherpa", ["features.gain=unit", "features.n_mels=80"], "from_omnilingual_asr_ctc", {}),
        ("sherpa", ["features=kaldi"], "from_zipformer_ctc", {"feature_dim": 80}),
        ("nemo", ["features=nemo"], "from_nemo_ctc", {"feature_dim": 80}),
    ],
)
def test_sherpa_onnx_writes_the_same(form, overrides, factory, arguments, tmp_path, recordings):
    cfg, pipeline = untrained("model.encoder.width=32", "model.encoder.layers=1", *overrides)
    chosen, path = exported(tmp_path, cfg, pipeline, form)
    found = parity(Exported(path, chosen), sounds())
    assert found.same == found.recordings and max(found.alone, found.padded or 0) < 2e-3
    answers = _run(SHERPA, factory, tmp_path, recordings, json.dumps(arguments))
    expected = Recognizer(_Torch(cfg, pipeline, form == "nemo"))(recordings)
    assert [text for text, _ in answers] == [answer.text.strip() for answer in expected]
    assert len({text for text, _ in answers}) > 6
    if form == "sherpa" or "omnilingual" not in factory:  # a time for each character, at most one frame from ours
        for (_, times), answer in zip(answers, expected, strict=True):
            assert not answer.words or times[0] == pytest.approx(answer.words[0].start, abs=0.06)


@pytest.mark.skipif(not shutil.which("g++"), reason="there is no C++ compiler: install g++")
@pytest.mark.parametrize("overrides", [["features.gain=unit", "features.n_mels=80"], ["features=kaldi"]], ids=str)
def test_the_program_in_cpp_writes_the_same(overrides, tmp_path, recordings):
    cfg, pipeline = untrained("model.encoder.width=32", "model.encoder.layers=1", *overrides)
    form, path = exported(tmp_path, cfg, pipeline, "sherpa" if overrides == ["features=kaldi"] else "onnx")
    found = parity(Exported(path, form), sounds()[:1])
    write_card(tmp_path, tmp_path, cfg, form, Report(tmp_path, "noise", found, {}, None, path.name))
    commands = re.findall(r"```bash\n(.*?)```", (tmp_path / "README.md").read_text(), re.S)[-1]
    build, run = commands.replace("hello.wav", f"{recordings}/*.wav nothing.wav").rsplit("./transcribe", 1)
    strict = build.replace("g++", "g++ -Wall -Wextra -Werror")
    script = f"export PATH={Path(sys.executable).parent}:$PATH\n{strict}./transcribe{run}"
    done = subprocess.run(["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True)
    assert "nothing.wav is no WAV" in done.stderr and done.returncode == 1
    texts = [line.partition("\t")[2] for line in done.stdout.splitlines()]
    expected = Recognizer(_Torch(cfg, pipeline, False))(recordings)
    assert [text.strip() for text in texts] == [answer.text.strip() for answer in expected]
    assert len(set(texts)) > 6


class _Torch(Engine):
    """The trained model as an engine; that of `nemo_ctc` leaves out the last frame where it is not whole."""

    most = 1

    def __init__(self, cfg, pipeline, whole_frames: bool):
        self.sample_rate, self.frame, self.pipeline = RATE, pipeline.hop() / RATE, pipeline
        self.decoder, self.whole_frames = pipeline.objective.decoder, whole_frames

    @torch.inference_mode()
    def __call__(self, wave_BT, lengths_B):
        enc_BTD, ends_B = self.pipeline(wave_BT, lengths_B)
        if self.whole_frames:
            ends_B = self.pipeline.features.frames(lengths_B) // 4
        return self.pipeline.objective.outputs(enc_BTD, ends_B), ends_B


ONLINE = """
import sys, json, pathlib, numpy as np, soundfile, sherpa_onnx
folder, recordings, tail = sys.argv[1:]
recognizer = sherpa_onnx.OnlineRecognizer.from_nemo_ctc(
    model=f"{folder}/model.onnx", tokens=f"{folder}/tokens.txt", feature_dim=80
)
texts = []
for path in sorted(pathlib.Path(recordings).glob("*.wav")):
    wave, rate = soundfile.read(path, dtype="float32")
    stream = recognizer.create_stream()
    for part in [*np.split(wave, range(1600, len(wave), 1600)), np.zeros(int(float(tail) * rate), "float32")]:
        stream.accept_waveform(rate, part)
        while recognizer.is_ready(stream):
            recognizer.decode_stream(stream)
    texts.append(recognizer.get_result(stream))
print(json.dumps(texts))
"""


@pytest.mark.parametrize("encoder", ["causal_crnn", "causal_transformer"])
@torch.inference_mode()
def test_sherpa_onnx_streams_the_same(tmp_path, recordings, encoder):
    stream = ["model=stream_ctc", f"model/encoder={encoder}", "features=nemo", "features.normalize=corpus"]
    cfg, pipeline = untrained(*stream, "model.encoder.width=48")
    pipeline.features.fit([(wave[None], torch.tensor([len(wave)])) for wave in sounds()])
    given = _padded(sounds())
    head, enc = pipeline.objective.head, pipeline.objective.norm(pipeline(*given)[0])
    head.bias -= head(enc).mean((0, 1))  # no output is rare
    chosen, path = exported(tmp_path, cfg, pipeline, "stream")
    found = parity(Exported(path, chosen), sounds())
    assert found.same == 12 and max(found.alone, found.padded) < 2e-3
    texts = _run(ONLINE, tmp_path, recordings, str(chosen.tail))
    for text, sound in zip(texts, sorted(recordings.glob("*.wav")), strict=True):
        wave = torch.from_numpy(soundfile.read(sound, dtype="float32")[0])
        wave = torch.cat([wave, torch.zeros(int(chosen.tail * RATE))])[None]
        frames = pipeline.features.frames(wave.shape[1])
        logp, _ = chosen.answer(Exported(path, chosen)._run, wave, torch.tensor([wave.shape[1]]))
        whole = (frames - 1) // 32 * 8 - pipeline.encoder.lookahead  # a last full chunk is left, too
        (expected,) = pipeline.objective.decoder(logp[:, :whole], torch.tensor([whole]))
        assert text.strip() == expected.text.strip()
    assert len(set(texts)) > 6


def test_a_model_of_whole_recordings_has_no_form_for_streams():
    cfg, pipeline = untrained("model.encoder.width=32", "features=nemo")
    with pytest.raises(UserError, match="train with model=stream_ctc"):
        FORMS["stream"](cfg, pipeline)


def test_onnx_asr_loads_the_nemo_form(tmp_path, recordings):
    cfg, pipeline = untrained("model.encoder.width=32", "features=nemo")
    exported(tmp_path, cfg, pipeline, "nemo")
    texts = _run(ONNX_ASR, tmp_path, recordings)
    assert len(texts) == 12 and all(isinstance(text, str) for text in texts)
    (tmp_path / "config.json").write_text(json.dumps({"asrx": OWN | {"model": "model.onnx"}}))
    with pytest.raises(UserError, match=r"model\.onnx is no model of waveforms"):
        load(tmp_path)


def test_triton_s_repository(tmp_path):
    cfg, pipeline = untrained("model.encoder.width=32")
    exported(tmp_path, cfg, pipeline, "triton")
    graph = onnx.load(tmp_path / "asrx" / "1" / "model.onnx").graph
    settings = (tmp_path / "asrx" / "config.pbtxt").read_text()
    for value in [*graph.input, *graph.output]:
        assert f'name: "{value.name}"' in settings


@pytest.mark.parametrize(
    ("form", "overrides", "labels", "sentence"),
    [
        (
            "sherpa",
            ["features.gain=kept"],
            None,
            "answers of this model depend on the level: train with features.gain=unit",
        ),
        ("sherpa", ["model=crnn_ce"], ["a", "b"], "runs models of CTC"),
        ("sherpa", ["features.gain=unit", "dataset.sample_rate=8000"], None, "16000 Hz, and this model hears 8000"),
        ("sherpa", ["features.gain=unit", "features.hop=0.0125"], None, "no multiple"),
        ("nemo", ["features=kaldi"], None, "train with features=nemo"),
        ("nemo", ["features=nemo", "dataset.clip.seconds=2"], None, "dataset.clip cuts waveforms"),
        (
            "onnx",
            ["model=crnn_ce", "augment.test={_target_: asrx.augment.test_time.Speeds, factors: [0.9, 1.0]}"],
            ["a", "b"],
            "augment.test reads each utterance several times",
        ),
    ],
)
def test_what_an_engine_cannot_run_is_said(form, overrides, labels, sentence):
    with pytest.raises(UserError, match=sentence):
        FORMS[form](*untrained(*overrides, labels=labels))


def test_a_label_that_breaks_the_list_of_tokens(tmp_path):
    cfg, pipeline = untrained("model=crnn_ce", labels=["a b", "c\nd"])
    with pytest.raises(UserError, match=r"'c\\nd' cannot stand in tokens.txt"):
        write_model(tmp_path, Waves(cfg, pipeline))


OWN = {"model": "m.onnx", "form": "Waves", "sample_rate": RATE, "frame": 0.04, "batched": True}
OWN |= {"shortest": 1, "version": "0.1.0"}
OWN["decoder"] = {"_target_": "asrx.decoding.ctc.CTCDecoder", "labels": ["a"], "search": None}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"asrx": {}}', "lacks batched"),
        (json.dumps({"asrx": OWN | {"model": "../m.onnx"}}), "should be the name of a file of that folder"),
        (json.dumps({"asrx": OWN | {"form": "NemoCTC"}}), "exported for another engine"),
        *[
            (json.dumps({"asrx": OWN | {key: value}}), rf"config\.json: {key}=.* should be {words}")
            for key, value, words in [
                ("model", None, "the name of a file"),
                ("sample_rate", 0, "a whole number of Hz"),
                ("frame", "x", "seconds above 0"),
                ("batched", 1, "true or false"),
                ("shortest", 10**9, "a whole number of samples from 1 to 1000000"),
                ("decoder", [], "a mapping"),
            ]
        ],
        (json.dumps({"asrx": OWN | {"version": "999.0"}}), r"config\.json: version=999\.0 is later than this asrx"),
        *[
            (json.dumps({"asrx": OWN | {"decoder": OWN["decoder"] | changed}}), rf"config\.json: {sentence}")
            for changed, sentence in [
                ({"temperature": 0}, r"decoder\.temperature=0 should be a number above 0"),
                ({"temperature": "x"}, r"decoder\.temperature=x should be a number"),
                ({"labels": [1]}, r"decoder\.labels=\[1\] should be a list of texts"),
                (
                    {"vocabulary": {"_target_": "asrx.vocabularies.characters.CharacterVocabulary", "labels": ["b"]}},
                    r"decoder\.labels are not those of decoder\.vocabulary",
                ),
                ({"_target_": "asrx.decoding.attention.AttentionDecoder"}, "asrx.* is no asrx"),
            ]
        ],
    ],
)
def test_a_config_that_is_none(text, sentence, tmp_path):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UserError, match=sentence):
        load(tmp_path)


def test_a_model_that_is_none(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"asrx": OWN}))
    (tmp_path / "m.onnx").write_bytes(np.arange(99).tobytes())
    with pytest.raises(UserError, match=r"m\.onnx cannot be read by onnxruntime"):
        load(tmp_path)

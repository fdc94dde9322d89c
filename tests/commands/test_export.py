"""The command, on a run that was trained for a moment."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
import soundfile

import asrx
from asrx.__main__ import main
from asrx.types import UserError


@pytest.fixture
def export(monkeypatch, capsys):
    def command(*words) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["asrx", "export", *map(str, words)])
        status = None
        try:
            main()
        except SystemExit as end:
            status = end.code
        return status, capsys.readouterr().out

    return command


@pytest.fixture(scope="module")
def recordings(tones) -> list:
    from pathlib import Path

    manifest = Path(next(o for o in tones if o.startswith("dataset.test=")).split("=")[1])
    return [manifest.parent / json.loads(line)["audio_filepath"] for line in manifest.read_text().splitlines()]


def test_the_folder_stands_alone_and_its_readme_is_true(trained_run, export, recordings, tmp_path):
    folder = tmp_path / "model"
    status, out = export(trained_run, folder, "--quantize", "int8")
    assert status is None, status
    assert "same text          12 of 12" in out and "checked on 12 recordings of the test part" in out
    names = {"README.md", "config.json", "model.int8.onnx", "model.onnx", "tokens.txt", "vocab.txt"}
    assert {path.name for path in folder.iterdir()} == names
    expected = [answer.text for answer in asrx.load(trained_run)(recordings)]
    assert len(set(expected)) > 3
    config = json.loads((folder / "config.json").read_text())
    config["asrx"] |= {"model": "model.onnx", "batched": True}  # whichever was faster here
    (folder / "config.json").write_text(json.dumps(config))
    assert [answer.text for answer in asrx.load(folder)(recordings)] == expected

    wave, rate = soundfile.read(recordings[0])
    soundfile.write(tmp_path / "hello.wav", wave, rate)
    blocks = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.S)
    code = blocks[1].replace('"model.int8.onnx"', '"model.onnx"').replace("hello.wav", str(tmp_path / "hello.wav"))
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.strip("\n") == expected[0]

    own = config["asrx"]
    decoder, labels = own["decoder"], own["decoder"]["labels"]
    for changed in (
        {"sample_rate": own["sample_rate"] + 1},
        {"decoder": decoder | {"labels": labels[:3], "vocabulary": None}},
        {"decoder": {"_target_": "asrx.decoding.label.LabelDecoder", "labels": [*labels, "!"]}},
    ):
        (folder / "config.json").write_text(json.dumps({"asrx": own | changed}))
        with pytest.raises(UserError, match=r"model\.onnx is not the model of its config\.json"):
            asrx.load(folder)


def test_what_cannot_be_exported_leaves_nothing(trained_run, export, recordings, tmp_path, monkeypatch):
    folder = tmp_path / "model"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    for words, sentence in [
        ((tmp_path / "nowhere", folder), "there is no such checkpoint"),
        ((trained_run, tmp_path / "full"), "exists already"),
        ((trained_run, folder, "--form", "nemo"), "train with features=nemo"),
        ((trained_run, folder, "--tolerance", "-1"), "--tolerance -1 should be"),
        ((trained_run, folder, "--check", tmp_path / "full" / "notes.txt"), "notes.txt cannot be read"),
        ((trained_run / "best.ckpt", folder, "--quantize", "int8"), "is a checkpoint without its run folder"),
    ]:
        status, _ = export(*words)
        assert sentence in str(status), (words, status)
        assert not folder.exists()
    figures = iter([{"wer": 0.1}, {"wer": 0.2}])
    monkeypatch.setattr("asrx.export.compared.accuracy", lambda *_: next(figures))
    status, _ = export(trained_run, folder, "--quantize", "int8", "--check", recordings[0])
    assert "int8 raises the error of the validation part from 10.00 to 20.00 %, more than 5 % of it" in str(status)
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_a_checkpoint_alone_is_compared_on_what_is_given(trained_run, export, recordings, tmp_path):
    status, out = export(trained_run / "best.ckpt", tmp_path / "a", "--check", *recordings[:3])
    assert status is None and "checked on 3 recordings that were named" in out

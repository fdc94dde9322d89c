from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from corpus import LETTERS, labels, write_manifest
from PIL import Image

from asrx.commands.render import BANDS, FRAMES, main, pictures, render
from asrx.report.run.page import write_report
from asrx.types import UserError

RATE = 16000


def mel(hertz: float) -> float:
    return 2595 * np.log10(1 + hertz / 700)


def sine(hertz: float, level: float = 0.0, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    """A sine `level` dB above full scale."""
    wave = 10 ** (level / 20) * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return wave.astype(np.float32)[None]


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100])
@pytest.mark.parametrize("level", [0, -50, -90])
def test_grey_is_the_level_below_full_scale_in_the_band_of_the_tone(rate, level):
    image = pictures(sine(1000, level, rate=rate), rate)[0]
    assert image.shape == (FRAMES, BANDS) and image.dtype == np.uint8
    # 2.55 grey values a dB; a tone between two bands loses up to 3 dB, and its side lobes may add as much
    assert np.abs(image.max(1) - 255 * (1 + level / 100)).max() < 9
    width = (mel(rate / 2) - mel(20)) / (BANDS + 1)
    assert np.abs(image.argmax(1) - ((mel(1000) - mel(20)) / width - 1)).max() <= 1


def test_silence_is_black_and_a_longer_one_is_no_brighter():
    assert not pictures(np.zeros((1, RATE), np.float32), RATE).any()
    half = pictures(sine(1000, seconds=0.5), RATE)[0]
    assert half[:48].any(1).all() and not half[50:].any()  # frame 50 begins at 0.5 s


def test_frames_are_25_ms_every_10_ms_and_not_centred():
    for sample in (0, 8000, 15900, 15920):
        click = np.zeros((1, RATE), np.float32)
        click[0, sample] = 1
        lit = np.flatnonzero(pictures(click, RATE)[0].any(1))
        within = [i for i in range(FRAMES) if 160 * i < sample < 160 * i + 400]  # the window begins with a zero
        assert lit.tolist() == within


def test_a_recording_gives_the_same_image_alone_longer_and_in_a_batch():
    wave = np.random.default_rng(0).normal(0, 0.1, (1, 9000)).astype(np.float32)
    alone = pictures(wave, RATE)[0]
    batch = np.concatenate([np.pad(wave, ((0, 0), (0, 11000))), np.ones((1, 20000), np.float32)])
    np.testing.assert_array_equal(pictures(batch, RATE)[0], alone)


@pytest.fixture
def tones(tmp_path) -> list[str]:
    """Overrides: 24 recordings of two tones, to split at random."""
    manifest = write_manifest(tmp_path / "tones", labels(24), "train")
    return ["dataset=manifest", f"dataset.train={manifest}", "dataset.sample_rate=8000", f"data_dir={tmp_path}/data"]


@pytest.mark.slow
def test_rendered_images_can_be_trained_on(tmp_path, tones, launch):
    line = render(tmp_path / "images", [*tones, "dataset.split.val=0.25", "dataset.split.test=0.25"])
    files = sorted((tmp_path / "images").rglob("*.png"))
    assert line.startswith("24 images (train 12, val 6, test 6) are in ")
    assert {file.relative_to(tmp_path / "images").parts[:-1] for file in files} == {
        (part, label) for part in ("train", "val", "test") for label in "ab"
    }
    assert [file.name for file in files if file.stem.endswith(":5")] == [
        "train-1_train:5.png"
    ]  # its speaker comes first
    for file in files:
        with Image.open(file) as image:
            assert image.mode == "L"
            pixels = np.asarray(image)
        assert pixels.shape == (FRAMES, BANDS)
        place = (mel(LETTERS[file.parent.name]) - mel(20)) / (mel(4000) - mel(20)) * (BANDS + 1) - 1
        assert abs(int(pixels[5].argmax()) - place) <= 1
    words = line.split("python -m asrx ")[1].split()
    run = launch(*words, "model.encoder.channels=[4]", "trainer.max_epochs=1", f"data_dir={tmp_path}/data")

    # the report shows the images themselves: here all of them, as if each were mistaken
    rows = [json.loads(row) | {"hypothesis": "c"} for row in (run / "predictions.jsonl").read_text().splitlines()]
    (run / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    missing, *shown = [Path(row["audio"]) for row in rows]
    missing.unlink()
    page = write_report(run).read_text()
    assert f"Image not readable: {missing}." in page and "<audio" not in page
    for file in shown:
        assert f'src="data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"' in page


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(
            ["dataset=fsdd"],
            "The folder to make comes first: python -m asrx render FOLDER dataset=fsdd.",
            id="no folder",
        ),
        pytest.param(["new", "datset=fsdd"], "Did you mean dataset?", id="misspelt"),
        pytest.param(["new", "dataset=fsd"], "dataset has no choice fsd. Did you mean fsdd?", id="no such corpus"),
        pytest.param(["new", "+dataset.corpus.x=1"], "takes no argument x.", id="no such argument"),
        pytest.param(["."], ". holds something already: name a new folder", id="folder in use"),
        pytest.param(["old.txt"], "old.txt holds something already: name a new folder", id="a file"),
    ],
)
def test_a_wrong_command_is_answered_in_a_sentence(tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.txt").touch()
    monkeypatch.setattr(sys, "argv", ["render", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code.startswith("asrx: ") and says in end.value.code and "\n" not in end.value.code
    assert [path.name for path in tmp_path.iterdir()] == ["old.txt"]


def test_without_arguments_the_command_says_what_it_does(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["render"])
    main()
    assert "python -m asrx render FOLDER dataset=speech_commands" in capsys.readouterr().out


def test_recordings_that_cannot_be_used(tmp_path, tones):
    (tmp_path / "tones/train-3.wav").write_text("no sound")
    with pytest.raises(UserError, match=r"1 of 24 recordings cannot be used \(first .*train-3.wav: cannot be read"):
        render(tmp_path / "images", tones)
    assert not (tmp_path / "images").exists()
    (tmp_path / "images.partial/old").mkdir(parents=True)  # an earlier rendering was interrupted
    assert render(tmp_path / "images", [*tones, "dataset.on_bad=skip"]).startswith("23 images")
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == ["test", "train", "val"]


def test_two_recordings_of_one_name(tmp_path):
    (tmp_path / "clips/a").mkdir(parents=True)
    for name in ("1.wav", "1.flac"):
        soundfile.write(tmp_path / "clips/a" / name, sine(500)[0], RATE)
    overrides = ["dataset=folder", f"dataset.root={tmp_path}/clips", f"data_dir={tmp_path}/data"]
    with pytest.raises(UserError, match=r"a/1.flac and a/1.wav would both become \w+/a/1.png: rename one"):
        render(tmp_path / "images", [*overrides, "dataset.split.val=0", "dataset.split.test=0"])


def test_a_text_that_is_no_folder_s_name(tmp_path):
    manifest = write_manifest(tmp_path, ["a", "b"], "train")
    manifest.write_text(manifest.read_text().replace('"b"', '"b/c"'))
    overrides = ["dataset=manifest", f"dataset.train={manifest}", "dataset.split.val=0", "dataset.split.test=0"]
    with pytest.raises(UserError, match=r"train:2: its text 'b/c' cannot name a folder"):
        render(tmp_path / "images", [*overrides, f"data_dir={tmp_path}/data"])

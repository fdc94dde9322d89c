from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asrx.data.corpora.images import ImageFolder
from asrx.data.images import Images, read_image
from asrx.data.store import build
from asrx.types import UserError, Utterance

GREY = np.random.default_rng(0).integers(0, 256, (7, 4), np.uint8)  # 7 frames of 4 bands


def save(path: Path, pixels: np.ndarray = GREY, **how) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **how)
    return str(path)


def grey(path: str, frames: int = 7, bands: int = 4, time_axis: str = "rows") -> np.ndarray:
    """The grey values that were stored, (frames, bands)."""
    stored = read_image(path, frames, bands, time_axis)
    assert stored.dtype == np.dtype("<i2") and stored.shape == (frames * bands,)
    return stored.reshape(frames, bands) / 128


def test_the_rows_follow_one_another(tmp_path):
    np.testing.assert_array_equal(grey(save(tmp_path / "a.png")), GREY)


def test_a_picture_with_time_to_the_right_is_turned(tmp_path):
    picture = GREY.T[::-1]  # high frequencies at the top
    np.testing.assert_array_equal(grey(save(tmp_path / "a.png", picture), time_axis="columns"), GREY)


@pytest.mark.parametrize("time_axis", ["rows", "columns"])
def test_an_image_of_another_size_is_resized(tmp_path, time_axis):
    """A slope stays the slope it is."""
    time, band = np.linspace(0, 200, 40), np.linspace(0, 50, 20)
    large = (time[:, None] + band).astype(np.uint8)
    path = save(tmp_path / "a.png", large if time_axis == "rows" else large.T[::-1])
    expected = time.reshape(10, 4).mean(1)[:, None] + band.reshape(5, 4).mean(1)
    np.testing.assert_allclose(grey(path, 10, 5, time_axis), expected, atol=5)


RED = np.broadcast_to(np.uint8([255, 0, 0]), (7, 4, 3))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param(Image.fromarray(RED), 76, id="red has the luminance 0.299"),
        pytest.param(Image.fromarray(RED).convert("P"), 76, id="palette"),
        pytest.param(Image.new("RGBA", (4, 7), (255, 255, 255, 0)), 0, id="transparent"),
        pytest.param(Image.new("RGBA", (4, 7), (255, 255, 255, 128)), 128, id="half transparent"),
        pytest.param(Image.new("1", (4, 7), 1), 255, id="black and white"),
        pytest.param(Image.fromarray(np.full((7, 4), 200 * 256, np.uint16)), 200, id="16 bits"),
    ],
)
def test_other_kinds_of_image_become_grey(tmp_path, image, expected):
    image.save(tmp_path / "a.png")
    assert (grey(str(tmp_path / "a.png")) == expected).all()


def test_a_store_of_images_names_those_it_cannot_read(tmp_path):
    (tmp_path / "text.png").write_text("no image")
    half = Path(save(tmp_path / "half.png", np.random.default_rng(1).integers(0, 256, (99, 99), np.uint8)))
    half.write_bytes(half.read_bytes()[:5000])
    paths = [save(tmp_path / "a.png"), *(str(tmp_path / f"{name}.png") for name in ("text", "missing", "half"))]
    utterances = [Utterance(path, path, "yes") for path in [*paths, save(tmp_path / "b.png", 255 - GREY)]]
    store = build(utterances, Images(400, 7, 4, "rows"), tmp_path / "cache")
    assert sorted(store.errors) == [1, 2, 3]
    assert store.errors[1].startswith("cannot be read: cannot identify image file")
    assert store.errors[2] == "cannot be read: No such file or directory"
    assert store.errors[3].startswith("cannot be read: ") and "truncated" in store.errors[3]
    assert store.lengths.tolist() == [28, 0, 0, 0, 28] and store.seconds(0) == 0.07
    waves, _ = store.gather(np.array([0, 4]))
    np.testing.assert_array_equal(waves.reshape(2, 7, 4) * 256, [GREY, 255 - GREY])


def test_every_setting_makes_another_store(tmp_path):
    settings = [(400, 7, 4, "rows"), (500, 7, 4, "rows"), (400, 4, 7, "rows"), (400, 7, 4, "columns")]
    image = Utterance("a", save(tmp_path / "a.png"), "yes")
    for setting in settings:
        build([image], Images(*setting), tmp_path / "cache")
    assert len(list(tmp_path.glob("cache/stores/*/index.npz"))) == len(settings)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            ["no/a.png", "yes/a.JPG", "yes/b.wav"], [("no/a.png", "no", None), ("yes/a.JPG", "yes", None)], id="classes"
        ),
        pytest.param(
            ["TrainData/no/a.png", "ValData/no/a.png"],
            [("TrainData/no/a.png", "no", "train"), ("ValData/no/a.png", "no", "test")],
            id="the layout of speechImageData.zip",
        ),
        pytest.param(
            ["train/no/a.png", "val/no/a.png", "test/no/a.png"],
            [("test/no/a.png", "no", "test"), ("train/no/a.png", "no", "train"), ("val/no/a.png", "no", "val")],
            id="the layout of asrx render",
        ),
    ],
)
def test_a_folder_of_images_is_listed(tmp_path, files, expected):
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [(u.id, u.text, u.split) for u in ImageFolder(str(tmp_path)).prepare()] == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"root": None}, r"dataset.root is not set: .* python -m asrx render FOLDER"),
        ({"time_axis": "x"}, r"dataset.time_axis=x is neither rows nor columns"),
        ({"frames": 0}, r"dataset.frames=0 should be a whole number from 1"),
        ({"bands": 1.5}, r"dataset.bands=1.5 should be a whole number from 1"),
        ({}, r"yes holds no images \(.png"),
    ],
)
def test_a_wrong_folder_of_images_is_told(tmp_path, arguments, message):
    (tmp_path / "yes").mkdir()
    with pytest.raises(UserError, match=message):
        ImageFolder(**{"root": str(tmp_path)} | arguments).prepare()


def test_foreign_images_have_low_frequencies_first(real_data, tmp_path):
    """Colour images of 99 x 81, time down: speech has most of its energy in the low bands."""
    corpus = ImageFolder(f"{real_data}/spectrogram_png", speaker_pattern="^(.+)_nohash_")
    utterances = corpus.prepare()
    assert Counter(u.text for u in utterances) == {"no": 120, "yes": 120}
    assert len({u.speaker for u in utterances}) > 100
    store = build(utterances[::10], corpus.decoder, tmp_path)
    assert not store.errors
    assert (store.lengths == 98 * 50).all()
    mean_F = store.gather(np.arange(len(store)))[0].reshape(-1, 98, 50).mean((0, 1))
    assert mean_F[:10].mean() > 1.2 * mean_F[-10:].mean()


def test_an_image_is_the_same_at_every_size(tmp_path):
    utterances = [Utterance(name, save(tmp_path / name), "a", None, "train") for name in ("a.png", "b.bmp")]
    stores = [build(utterances, Images(5000, frames, 4, "rows"), tmp_path) for frames in (7, 14)]
    assert len({source for store in stores for source in store.sources.tolist()}) == 1
    assert stores[0].fingerprint != stores[1].fingerprint

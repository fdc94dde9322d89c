from __future__ import annotations

import base64
import io
import re
import sys
from collections import Counter

import numpy as np
import pytest
import soundfile
from corpus import write_manifest
from PIL import Image

from asrx.commands.explore import explore, main
from asrx.report.audio import Clip, loudest, spectrogram_png
from asrx.report.explore.examples import choose, mixing, resampling
from asrx.report.explore.statistics import is_labelled, label, tally
from asrx.report.figures import histogram, outline, spectrum_chart
from asrx.types import UserError, Utterance


@pytest.fixture
def look(tmp_path):
    """Call the command's function: overrides in, page out."""

    def command(*overrides: str) -> str:
        explore(tmp_path / "page.html", list(overrides))
        return (tmp_path / "page.html").read_text(encoding="utf-8")

    return command


def table(page: str, name: str) -> dict[str, list[str]]:
    """The rows of a table of the page by their head, empty cells left out."""
    body = re.search(rf'<table[^>]* id="{name}">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)[1]
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in body.split("</tr>")[:-1]]
    return {head: cells for head, *cells in rows}


def section(page: str, name: str) -> str:
    return re.search(rf'<section id="{name}">.*?</section>', page, re.DOTALL)[0]


def augmented(page: str) -> dict[str, list[tuple[str, str]]]:
    """Pictures before and after each augmentation, by the name of its class."""
    parts = section(page, "augmentations").split("<h3>")[1:]
    images = {part.split(" ")[0].split("(")[0]: re.findall(r'<img src="([^"]+)"', part) for part in parts}
    return {name: list(zip(found[::2], found[1::2], strict=False)) for name, found in images.items()}


def corpus(folder, texts: list[str], *more: str, name: str = "train") -> list[str]:
    manifest = write_manifest(folder, texts, name)
    split = [] if more else ["dataset/split=random", "dataset.split.val=0", "dataset.split.test=0"]
    return ["dataset=manifest", f"dataset.{name}={manifest}", f"data_dir={folder}/data", *split, *more]


def test_counts_of_labels_and_speakers(look, tone_labels):
    page = look(*tone_labels)
    assert table(page, "classes") == {"a": ["12", "4", "4"], "b": ["12", "4", "4"]}
    # three speakers take turns, each part has its own
    assert table(page, "speakers")["train-0"] == ["8", "0", "0"]
    assert table(page, "speakers")["test-2"] == ["0", "0", "2"]
    totals = table(page, "totals")
    assert [totals[part][0] for part in ("train", "val", "test", "all")] == ["24", "8", "8", "40"]
    assert totals["all"][2:] == [f"{40 * 0.12 / 3600:.3f}", "9", "2"]
    assert "train: each class has 12 utterances." in page
    assert "The recordings have 8,000 Hz in 40 files; the data set has 8,000 Hz." in page


def test_words_and_characters_of_transcripts(look, tmp_path):
    texts = ["a bb", "bb a bb", *("abcd"[: 1 + i % 4] + " c" * (i + 1) for i in range(20))]
    page = look(*corpus(tmp_path, texts))
    assert table(page, "words")["c"] == [str(sum(range(1, 21)))]
    assert table(page, "words")["bb"] == ["3"]
    assert table(page, "characters")["space"] == [str(sum(text.count(" ") for text in texts))]


def test_percentiles(look, tmp_path):
    """Durations of 1 to 11 tones of 0.12 s: percentile p is 0.12 (1 + p / 10)."""
    shown = table(look(*corpus(tmp_path, ["a" * n for n in range(1, 12)])), "percentiles")
    assert [int(p) for p in shown] == [0, 1, 5, *range(10, 91, 10), *range(91, 101)]
    for p, cells in shown.items():
        assert cells == [f"{0.12 * (1 + int(p) / 10):.4f}"] * 2  # train, and all


def test_percentiles_of_document_004(look, real_data, tmp_path):
    page = look("dataset=fsdd", f"dataset.root={real_data}/fsdd", f"data_dir={tmp_path}", "dataset.clip.seconds=0.8")
    every = {int(p): float(cells[-1]) for p, cells in table(page, "percentiles").items()}
    known = [0.1435, 0.2599, 0.2997, 0.3321, 0.3590, 0.3899, 0.4173, 0.4473, 0.4843, 0.5553, 2.2828]
    assert [every[p] for p in range(0, 101, 10)] == pytest.approx(known, abs=1e-4)
    assert every[99] == pytest.approx(0.7960, abs=1e-4)
    assert "19 of 2,000 utterances (0.95%) are longer than dataset.clip.seconds=0.8 and are cut." in page
    assert table(page, "classes") == {str(digit): ["160", "20", "20"] for digit in range(10)}
    assert sum(int(cells[0]) for cells in table(page, "speakers").values()) == 1600
    assert "train and test share 4 speakers (jackson, nicolas, theo, yweweler)." in page


def test_what_is_uneven_unseen_or_shared_is_said():
    texts = {"train": "aaaaab", "val": "aabb", "test": "aac"}
    held = [Utterance(f"{s}{i}", "", t, f"{t}-{s[0]}", s) for s, row in texts.items() for i, t in enumerate(row)]
    labels = tally("class", "classes", held, lambda u: [u.text])
    assert labels.counts == {split: Counter(row) for split, row in texts.items()}
    assert [fact.text for fact in labels.spread() if fact.warning] == [
        "train: class b is the rarest with 1 utterance and a the commonest with 5, 5 times as many",
        "test: class c is the rarest with 1 utterance and a the commonest with 2, 2 times as many",
    ]
    assert [fact.text for fact in labels.unseen()] == ["test has 1 class (c) that train has not"]
    assert [fact.text for fact in labels.absent()] == ["test lacks 1 class (b)"]
    spoken = tally("speaker", "speakers", held, lambda u: [u.speaker])
    # train and test begin with the same letter
    assert [fact.text for fact in spoken.shared()] == ["train and test share 1 speaker (a-t)"]


@pytest.mark.parametrize(
    ("texts", "labelled"),
    [
        (["yes", " yes"] * 11, True),
        (["yes", "no"] * 11, True),
        ([str(i) for i in range(11)] * 2, True),
        ([str(i // 2) for i in range(21)], False),  # 11 different of 21
        ([str(i // 3) for i in range(3003)], False),  # 1,001 different
    ],
)
def test_labels_are_told_from_transcripts_as_cross_entropy_does(texts, labelled):
    from asrx.objectives.cross_entropy import CrossEntropy

    assert is_labelled([Utterance(str(i), "", text, split="train") for i, text in enumerate(texts)]) == labelled
    if labelled:
        assert CrossEntropy(2, texts).decoder.labels == sorted({label(text) for text in texts})
    else:
        with pytest.raises(UserError, match="choose model=crnn_ctc"):
            CrossEntropy(2, texts)


def test_examples_are_spread_over_lengths_or_labels():
    held = [Utterance(f"{i:02}", "", "abcdefgh"[i % 8], split="train") for i in range(24)]
    held[0] = Utterance("00", "", "a", split="train", copy=1)
    held[23] = Utterance("23", "", "h", split="val")
    lengths = np.arange(100, 76, -1)
    lengths[22] = 0  # cannot be used
    assert choose(held, lengths, labelled=False) == [21, 16, 11, 6, 1]
    chosen = choose(held, lengths, labelled=True)
    assert [held[i].text for i in chosen] == ["a", "c", "e", "f", "h"]
    assert chosen[1] == 10  # of places 2, 10 and 18 the one of median length
    two = [i for i in range(24) if held[i].text in "cd"]
    chosen = choose([held[i] for i in two], lengths[two], labelled=True)
    assert [held[two[i]].text for i in chosen] == ["c", "d", "c", "d", "c"] and len(set(chosen)) == 5


def decoded(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,")))))


def test_each_augmentation_is_seen_and_the_page_is_repeatable(look, tone_labels):
    page = look(*tone_labels, "augment=full", "seed=3")
    pictures = augmented(page)
    assert list(pictures) == ["Gain", "Speed", "WhiteNoise", "SpecAugment", "Mixup"]
    for name, pairs in pictures.items():
        if name != "Mixup":
            assert len(pairs) == 5
            assert all(not np.array_equal(*map(decoded, pair)) for pair in pairs), name
    # mixup shows one, the other, and the blend
    assert len(set(re.findall(r'<img src="([^"]+)"', page.split("<h3>Mixup")[1]))) == 3
    assert set(re.findall(r"after · (\S+) s", page.split("<h3>")[-4])) == {"0.11", "0.13"}
    assert look(*tone_labels, "augment=full", "seed=3") == page
    assert augmented(look(*tone_labels, "augment=full", "seed=4")) != pictures


def test_copies_are_counted_and_their_augmentations_shown(look, tone_labels):
    stretch = "{_target_: asrx.augment.time_stretch.TimeStretch, sample_rate: 8000, rates: [0.8]}"
    page = look(*tone_labels, "augment=pitch_shift", f"augment.offline.stages=[[null, {stretch}]]")
    assert table(page, "classes")["a"] == ["24", "4", "4"]
    assert "24 of 64 utterances are copies made by augment.offline." in page
    assert {name: len(pairs) for name, pairs in augmented(page).items()} == {"PitchShift": 5, "TimeStretch": 5}
    assert page.count("before · 0.12 s") == 10 and page.count("after · 0.15 s") == 5


def test_features_are_those_of_the_config(look, tone_labels):
    shapes = {}
    for more in ([], ["dataset.clip.seconds=0.5"], ["features=mfcc", "features.n_mfcc=9", "features.normalize=corpus"]):
        page = look(*tone_labels, *more)
        images = re.findall(r'<img src="([^"]+)"', section(page, "features"))
        shapes["".join(more)[:10]] = {decoded(image).shape for image in images}
        assert len(images) == 5
    assert list(shapes.values()) == [{(20, 13)}, {(20, 13)}, {(9, 13)}]
    page = look(*tone_labels, "dataset.clip.seconds=0.5", "dataset.clip.masked=false")
    assert decoded(re.search(r'<img src="([^"]+)"', section(page, "features"))[1]).shape == (20, 51)
    raw = [override for override in tone_labels if "n_mels" not in override]
    assert "<polygon" in section(look(*raw, "features=raw"), "features")


def test_a_training_part_of_copies_alone_has_examples(look, tone_labels):
    stretch = "{_target_: asrx.augment.time_stretch.TimeStretch, sample_rate: 8000, rates: [0.8]}"
    page = look(*tone_labels, f"augment.offline.stages=[[{stretch}]]")
    assert section(page, "examples").count("8 kHz, augmented</h3>") == 5


def sound(uri: str) -> tuple[np.ndarray, int]:
    return soundfile.read(io.BytesIO(base64.b64decode(uri.removeprefix("data:audio/wav;base64,"))))


def test_an_example_before_and_after_resampling(look, tone_labels):
    page = section(look(*tone_labels, "dataset.sample_rate=11025", "features.n_mels=10"), "examples")
    players = [sound(uri) for uri in re.findall(r'<audio[^>]* src="([^"]+)"', page)]
    assert [rate for _, rate in players] == [8000, 11025] * 5 + [11025]
    assert all(len(wave) / rate == pytest.approx(0.12, abs=1e-3) for wave, rate in players)
    assert "8 kHz, as the file has it" in page and "11.025 kHz, resampled" in page
    first, second, mixed = players[1][0], players[3][0], players[-1][0]
    np.testing.assert_allclose(mixed, first + second, atol=1e-4)
    # nothing was resampled: one version
    page = section(look(*tone_labels), "examples")
    assert page.count("<audio") == 6 and "resampled</h3>" not in page


def test_a_mixture_stays_within_full_scale():
    loud = Clip(np.array([0.9, -0.9], np.float32), 8000, 0.1)
    wave, _ = sound(mixing(loud, Clip(np.array([0.9], np.float32), 8000, 0.1))["sum"]["player"])
    np.testing.assert_allclose(wave, [1, -0.5], atol=1e-4)


def test_a_spectrum_has_its_tone_and_ends_at_half_the_rate(tmp_path):
    wave = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", wave, 16000, subtype="FLOAT")
    shown = resampling(Utterance("a", str(tmp_path / "a.wav"), "a"), Clip(wave[::2], 8000, 1.0))
    assert [name for name, _ in shown["versions"]] == ["16 kHz, as the file has it", "8 kHz, resampled"]
    for points, end in zip(shown["spectrum"].lines.values(), (8, 4), strict=True):
        highest = min(points, key=lambda point: point.y)
        assert (highest.x - 46) / 364 * 8 == pytest.approx(1, abs=0.03)
        assert (points[-1].x - 46) / 364 * 8 == pytest.approx(end, abs=0.03)
    assert [tick.label for tick in spectrum_chart("", {"": (wave, 16000)}).y_ticks][:2] == ["0 dB", "-20 dB"]


def test_an_outline_reaches_the_extremes_of_each_column():
    wave = np.zeros(3800, np.float32)
    wave[15], wave[3799] = 0.5, -1
    points = [tuple(map(float, point.split(","))) for point in outline(wave, 1.0).split()]
    assert len(points) == 760
    assert points[1] == (1, 22.5) and points[2] == (2, 45) and points[380] == (379, 90)


def test_a_histogram_counts():
    shown = histogram("", np.array([0.05, 0.15, 0.15, 0.4]), np.linspace(0, 0.4, 5), "s")
    assert [bar.label for bar in shown.bars] == ["0 to 0.1: 1", "0.1 to 0.2: 2", "0.3 to 0.4: 1"]
    assert [bar.height for bar in shown.bars] == [93, 186, 93]


def test_spectrograms_of_one_scale_show_a_gain():
    wave = np.sin(np.arange(4000)).astype(np.float32)
    loud, soft = Clip(wave, 8000, 0.5), Clip(wave / 10, 8000, 0.5)
    full = loudest([loud, soft])
    levels = [np.asarray(Image.open(io.BytesIO(spectrogram_png(c, full=full)))).max() for c in (loud, soft)]
    assert levels == [47, round(47 * (1 - 20 / 70))]


def test_images_have_counts_and_features_and_no_sound(look, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("yes/a", "yes/b", "no/a", "no/b", "no/c", "yes/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (98, 50), np.uint8)).save(tmp_path / f"{name}.png")
    given = ["dataset=images", f"dataset.root={tmp_path}", f"data_dir={tmp_path}/.data", "features=image"]
    page = look(*given, "augment=noise", "dataset.split.val=0", "dataset.split.test=0")
    assert table(page, "classes") == {"no": ["3"], "yes": ["3"]}
    assert "<audio" not in page and 'id="durations"' not in page and 'id="examples"' not in page
    assert decoded(re.search(r'<img src="([^"]+)"', section(page, "features"))[1]).shape == (50, 98)
    assert all(before != after for before, after in augmented(page)["WhiteNoise"])


def test_the_page_loads_nothing_and_runs_nothing(look, tmp_path):
    given = corpus(tmp_path, ["a", "b", "c"])
    manifest = tmp_path / "train.jsonl"
    manifest.write_text(manifest.read_text().replace('"text": "a"', '"text": "<script src=x>"'))
    page = look(*given, "augment=full")
    assert "Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
    assert all(value.startswith("data:") for value in re.findall(r'(?:src|href)="([^"]*)', page))
    assert not re.search(r"<script|<link|<iframe|url\(|@import|https?://", page)
    assert "&lt;script src=x&gt;" in page


def test_recordings_that_cannot_be_used(look, tmp_path):
    given = corpus(tmp_path, ["a", "b", "a"])
    (tmp_path / "train-1.wav").write_text("no sound")
    page = look(*given)
    assert re.search(r"1 of 3 utterances cannot be used, the first of them .*train-1.wav: cannot be read", page)
    assert len(re.findall("<img", section(page, "features"))) == 2
    for i in (0, 2):
        (tmp_path / f"train-{i}.wav").write_text("no sound")
    with pytest.raises(
        UserError, match=r"No recording of the training part can be used \(first .*train-\d.wav: cannot"
    ):
        look(*given)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["page.txt"], "page.txt is no page to write: name one that ends in .html", id="no page"),
        pytest.param(["no/page.html"], "there is no folder no; make it", id="no folder"),
        pytest.param(["a.html"], "a.html is a folder: name another file.", id="a folder"),
        pytest.param(["datset=fsdd"], "Did you mean dataset?", id="misspelt"),
        pytest.param(["dataset=fsd"], "dataset has no choice fsd. Did you mean fsdd?", id="no such corpus"),
        pytest.param(["dataset=manifest"], "dataset.train has no value yet", id="a value missing"),
        pytest.param(["+features.x=1"], "takes no argument x.", id="no such argument"),
        pytest.param(["seed=-1"], "seed=-1 should be a whole number from 0 to", id="seed"),
        pytest.param(["dataset=fsdd", "dataset.root=."], "dataset.root=. is not laid out as", id="no corpus"),
    ],
)
def test_a_wrong_command_is_answered_in_a_sentence(tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.html").mkdir()
    monkeypatch.setattr(sys, "argv", ["explore", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code.startswith("asrx: ") and says in end.value.code and "\n" not in end.value.code
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


@pytest.mark.parametrize("named", [[], ["other.html"]])
def test_the_command_prints_where_the_page_is(tmp_path, monkeypatch, capsys, tone_labels, named):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["explore", *named, *tone_labels])
    main()
    page = named[0] if named else "explore.html"
    assert capsys.readouterr().out == f"{page}\n" and [path.name for path in tmp_path.iterdir()] == [page]


def test_help_says_what_the_command_does(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["explore", "--help"])
    main()
    assert "python -m asrx explore dataset=fsdd" in capsys.readouterr().out

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from asrx.data.corpora.an4 import AN4
from asrx.data.corpora.folder import Folder
from asrx.data.corpora.fsdd import FSDD
from asrx.data.corpora.librispeech import LibriSpeech
from asrx.data.corpora.manifest import Manifest
from asrx.data.corpora.speech_commands import SpeechCommands
from asrx.types import UserError, Utterance

# name: (constructor from the folder of real data, utterances, speakers, counts by split, one of the utterances)
REAL = {
    "fsdd": (
        lambda data: FSDD(f"{data}/fsdd", "unused"),
        2000,
        4,
        {"train": 1800, "test": 200},
        Utterance("7_theo_4", "fsdd/recordings/7_theo_4.wav", "7", "theo", "test"),
    ),
    "an4": (
        lambda data: AN4(f"{data}/an4", "unused"),
        948,
        74,
        {"train": 948},
        Utterance("an251-fash-b", "an4/wav/an4_clstk/fash/an251-fash-b.flac", "yes", "fash", "train"),
    ),
    "librispeech": (
        lambda data: LibriSpeech(f"{data}/librispeech_sample", "unused"),
        42,
        3,
        {"train": 42},
        Utterance(
            "26-496-0006",
            "librispeech_sample/LibriSpeech/train-clean-100/26/496/26-496-0006.flac",
            "and of the last the bill itself said",
            "26",
            "train",
        ),
    ),
    "speech commands without lists": (
        lambda data: SpeechCommands(f"{data}/speech_commands_12", "unused"),
        2653,
        359,
        {None: 2653},
        Utterance(
            "_unknown_/bed_0ea0e2f4_nohash_1.flac",
            "speech_commands_12/_unknown_/bed_0ea0e2f4_nohash_1.flac",
            "_unknown_",
            "0ea0e2f4",
        ),
    ),
    "speech commands with lists": (
        lambda data: SpeechCommands(f"{data}/speech_commands_v0.01_sample", "unused", words=("yes", "bed")),
        20,
        18,
        {"train": 15, "val": 3, "test": 2},
        Utterance(
            "bed/62581901_nohash_0.wav",
            "speech_commands_v0.01_sample/bed/62581901_nohash_0.wav",
            "bed",
            "62581901",
            "train",
        ),
    ),
    "folder": (
        lambda data: Folder(f"{data}/speech_commands_v0.01_sample", speaker_pattern="^(.+)_nohash_"),
        300,
        41,
        {None: 300},
        Utterance(
            "bed/62581901_nohash_0.wav", "speech_commands_v0.01_sample/bed/62581901_nohash_0.wav", "bed", "62581901"
        ),
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_the_real_recordings_are_listed(real_data, name):
    make, count, speakers, splits, example = REAL[name]
    utterances = make(real_data).prepare()
    assert [u.id for u in utterances] == sorted({u.id for u in utterances})
    assert len(utterances) == count
    assert len({u.speaker for u in utterances}) == speakers
    assert Counter(u.split for u in utterances) == splits
    found = next(u for u in utterances if u.id == example.id)
    assert found == Utterance(**vars(example) | {"audio": str(real_data / example.audio)})
    assert all(Path(u.audio).is_file() for u in utterances)


def write(root: Path, *names: str) -> None:
    """Make empty files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def listed(utterances: list[Utterance]) -> list[tuple]:
    return [(u.id, u.text, u.speaker, u.split) for u in utterances]


def an4(root: Path, split: str, fileids: str, transcription: str) -> None:
    (root / "etc").mkdir(exist_ok=True)
    (root / f"etc/an4_{split}.fileids").write_text(fileids)
    (root / f"etc/an4_{split}.transcription").write_text(transcription)


def test_an4_has_an_official_test_part_and_lines_without_sentence_marks(tmp_path):
    an4(tmp_path, "train", "clstk/fash/a1-fash-b\n", "<s> YES </s> (a1-fash-b)\n")
    an4(tmp_path, "test", "test/fcaw/b2-fcaw-b\n", "RUBOUT G M (b2-fcaw-b)\n")
    write(tmp_path, "wav/clstk/fash/a1-fash-b.sph", "wav/test/fcaw/b2-fcaw-b.sph")
    utterances = AN4(str(tmp_path), "unused").prepare()
    assert listed(utterances) == [("a1-fash-b", "yes", "fash", "train"), ("b2-fcaw-b", "rubout g m", "fcaw", "test")]
    assert all(Path(u.audio).is_file() for u in utterances)


def test_librispeech_takes_the_subsets_asked_for_in_their_splits(tmp_path):
    for subset in ("train-clean-100", "dev-other", "test-clean"):
        write(tmp_path, f"{subset}/1/2/1-2-{subset}.flac")
        (tmp_path / subset / "1/2/1-2.trans.txt").write_text(f"1-2-{subset} SO THEN\n")
    utterances = LibriSpeech(str(tmp_path), "unused", ("dev-clean", "dev-other", "test-clean")).prepare()
    assert listed(utterances) == [("1-2-dev-other", "so then", "1", "val"), ("1-2-test-clean", "so then", "1", "test")]


def test_speech_commands_leaves_out_noise_and_what_is_not_audio(tmp_path):
    write(tmp_path, "_background_noise_/tap.wav", "yes/1f_nohash_0.wav", "yes/notes.txt", "_silence_/12.wav")
    utterances = SpeechCommands(str(tmp_path), "unused").prepare()
    assert listed(utterances) == [
        ("_silence_/12.wav", "_silence_", "12", None),
        ("yes/1f_nohash_0.wav", "yes", "1f", None),
    ]


@pytest.mark.parametrize("suffix", [".wav", ".WAV", ".flac"])
def test_speech_commands_lists_match_whatever_the_format(tmp_path, suffix):
    write(tmp_path, *(f"yes/{n}_nohash_0{suffix}" for n in range(4)), "yes/3_nohash_0.m4a")
    (tmp_path / "validation_list.txt").write_text("yes/1_nohash_0.wav\n")
    (tmp_path / "testing_list.txt").write_text("yes/2_nohash_0.wav\nyes/9_nohash_0.wav\n")
    assert [u.split for u in SpeechCommands(str(tmp_path), "unused").prepare()] == ["train", "val", "test", "train"]
    (tmp_path / "testing_list.txt").write_text("no/2_nohash_0.wav\n")
    with pytest.raises(UserError, match=r"testing_list\.txt names none of the 4 clips there, so that the official"):
        SpeechCommands(str(tmp_path), "unused").prepare()


@pytest.mark.parametrize("suffix", [".FLAC", ".wav"])
def test_librispeech_may_be_in_another_format(tmp_path, suffix, capsys):
    write(tmp_path, f"dev-clean/1/2/1-2-0{suffix}", "dev-clean/1/2/1-2-1.m4a")
    (tmp_path / "dev-clean/1/2/1-2.trans.txt").write_text("1-2-0 SO\n")
    (u,) = LibriSpeech(str(tmp_path), "unused", ("dev-clean", "test-clean")).prepare()
    assert u.audio == str(tmp_path / f"dev-clean/1/2/1-2-0{suffix}")
    out = capsys.readouterr().out
    assert "has no test-clean: what they would be for is drawn" in out and "1 .m4a (first" in out and "txt" not in out
    write(tmp_path, f"dev-clean/1/3/1-3-0{suffix}")
    with pytest.raises(UserError, match=r"1-3\.trans\.txt is missing, which says what is said in 1 recordings there"):
        LibriSpeech(str(tmp_path), "unused", ("dev-clean",)).prepare()


def test_fsdd_may_be_in_another_format(tmp_path):
    write(tmp_path, "0_theo_1.WAV", "1_theo_9.flac")
    assert listed(FSDD(str(tmp_path), "unused").prepare()) == [
        ("0_theo_1", "0", "theo", "test"),
        ("1_theo_9", "1", "theo", "train"),
    ]


def test_what_a_folder_of_classes_holds_besides_is_told(tmp_path, capsys):
    write(tmp_path, "cat/a.wav", "cat/b.webm", "cat/c.m4a", "cat/d.m4a", "cat/more/e.wav", "f.wav", "README.md")
    assert len(Folder(str(tmp_path)).prepare()) == 1
    not_read, loose = capsys.readouterr().out.splitlines()
    assert "2 .m4a, 1 .webm, 1 folders (first" in not_read
    assert loose == f"Not read, as they are in no folder of a class: 1 recordings (first {tmp_path}/f.wav)."


@pytest.mark.parametrize("runs", ["2026/asrx.log", "asrx.log", "sweeps/x/0/asrx.log", "sweeps/x/workers/0/asrx.log"])
def test_the_runs_of_asrx_are_no_class(tmp_path, runs):
    """As where dataset.root is the folder that the command is given in."""
    write(tmp_path, "cat/a.wav", "train/cat/a.wav", "test/cat/a.wav", f"mine/{runs}", f"train/mine/{runs}")
    write(tmp_path, f"train/cat/{runs}")  # that is a class all the same
    assert {u.text for u in Folder(f"{tmp_path}/train").prepare()} == {"cat"}
    (tmp_path / "cat" / "a.wav").unlink()
    (tmp_path / "cat").rmdir()
    assert {(u.text, u.split) for u in Folder(str(tmp_path)).prepare()} == {("cat", "train"), ("cat", "test")}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            ["cat/b.MP3", "cat/a.wav", "dog/a.flac", "dog/.hidden.wav", ".git/x.wav", "dog/notes.txt"],
            [("cat/a.wav", "cat", None), ("cat/b.MP3", "cat", None), ("dog/a.flac", "dog", None)],
            id="one folder per class",
        ),
        pytest.param(
            ["train/cat/a.wav", "val/cat/a.wav", "test/cat/a.wav"],
            [("test/cat/a.wav", "cat", "test"), ("train/cat/a.wav", "cat", "train"), ("val/cat/a.wav", "cat", "val")],
            id="splits above the classes",
        ),
        pytest.param(
            ["train/a.wav", "plane/a.wav"],
            [("plane/a.wav", "plane", None), ("train/a.wav", "train", None)],
            id="a class that is called train",
        ),
    ],
)
def test_a_folder_is_listed(tmp_path, files, expected):
    write(tmp_path, *files)
    assert [(u.id, u.text, u.split) for u in Folder(str(tmp_path)).prepare()] == expected


def bad_an4(root: Path, transcription: str = "YES (a1-fash-b)\n", audio: str = "a1-fash-b.sph") -> AN4:
    an4(root, "train", "clstk/fash/a1-fash-b\n", transcription)
    write(root, f"wav/clstk/fash/{audio}")
    return AN4(str(root), "unused")


def bad_librispeech(root: Path) -> LibriSpeech:
    write(root, "dev-clean/1/2/1-2.trans.txt")
    (root / "dev-clean/1/2/1-2.trans.txt").write_text("1-2-0000 YES\n1-2-0001\n")
    return LibriSpeech(str(root), "unused")


def bad(corpus: type, *files: str, **arguments):
    def make(root: Path):
        write(root, *files)
        return corpus(root=str(root), **({} if corpus is Folder else {"cache": "unused"}), **arguments)

    return make


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(bad(FSDD, "cat/a.wav"), "not laid out as the Free Spoken Digit Dataset", id="fsdd elsewhere"),
        pytest.param(bad(FSDD, "0_theo_1.wav", "x.wav"), "x.wav is not named DIGIT_", id="fsdd with a foreign file"),
        pytest.param(lambda root: bad_an4(root, ""), "has 0 utterances .* has 1", id="an4 lists differ in length"),
        pytest.param(lambda root: bad_an4(root, "YES (b)"), "transcription:1 does not end in", id="an4 lists differ"),
        pytest.param(lambda root: bad_an4(root, audio="a1.raw"), "audio is missing", id="an4 without audio"),
        pytest.param(
            bad(LibriSpeech, subsets=("train",)), "subsets: train is none of .*train-clean-100", id="unknown subset"
        ),
        pytest.param(
            bad(LibriSpeech, "dev-clean/1/2/1-2.trans.txt", subsets=("dev-other",)),
            "has none of dev-other",
            id="subset that is not there",
        ),
        pytest.param(bad_librispeech, "1-2.trans.txt:2 is not an utterance's name", id="librispeech without a text"),
        pytest.param(
            bad(SpeechCommands, "yes/1_nohash_0.wav", words=("yess",)), "no folder yess; it has yes", id="unknown word"
        ),
        pytest.param(lambda _: SpeechCommands(None, "x", version="3"), "version=3 is none of", id="unknown version"),
        pytest.param(lambda _: Folder(None), "dataset.root is not set", id="folder without a root"),
        pytest.param(bad(Folder, "a.wav"), "holds no folders", id="recordings without classes"),
        pytest.param(bad(Folder, "cat/a.wav", "dog/a.m4a"), "dog holds no recordings", id="class without recordings"),
        pytest.param(
            bad(Folder, "train/cat/a.wav", "valid/cat/a.wav"), "valid stands beside train/", id="misnamed split"
        ),
        pytest.param(
            bad(Folder, "cat/a.wav", speaker_pattern="("), "no regular expression", id="speaker pattern that is none"
        ),
        pytest.param(bad(Folder, "cat/a.wav", speaker_pattern="a"), "has no group", id="speaker pattern without group"),
        pytest.param(
            bad(Folder, "cat/a.wav", speaker_pattern=r"(\d+)_"), "no speaker in the name of .*a.wav", id="no speaker"
        ),
    ],
)
def test_a_corpus_that_is_not_as_it_should_be_is_told(tmp_path, make, message):
    with pytest.raises(UserError, match=message):
        make(tmp_path).prepare()


TAGS = (("accent", "scots"), ("snr", "12.5"), ("loud", "true"))


def test_a_manifest_is_read_with_all_its_fields(tmp_path):
    full = {"audio_filepath": "wav/a.wav", "text": "so", "duration": 1.5, "offset": 2, "speaker": 7}
    full |= {"accent": "scots", "snr": 12.5, "loud": True, "note": "", "words": [1], "age": None}
    (tmp_path / "all.jsonl").write_text(
        "\n".join([json.dumps(full), "", json.dumps({"audio_filepath": "/b.wav", "text": "ähm", "duration": None})]),
        encoding="utf-8-sig",
    )
    assert Manifest(str(tmp_path / "all.jsonl")).prepare() == [
        Utterance("train:1", str(tmp_path / "wav/a.wav"), "so", "7", "train", 2.0, 1.5, tags=TAGS),
        Utterance("train:3", "/b.wav", "ähm", None, "train"),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("a.csv", 'path,client,sentence\na.wav,s1,"""yes"", no"\nb.wav,,go\n', id="csv"),
        pytest.param("a.tsv", 'path\tclient\tsentence\na.wav\ts1\t"yes", no\nb.wav\t\tgo\n', id="tsv"),
    ],
)
def test_a_table_is_read_with_its_own_column_names(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    columns = {"audio_filepath": "path", "text": "sentence", "speaker": "client"}
    utterances = Manifest(str(tmp_path / name), columns=columns).prepare()
    assert listed(utterances) == [("train:2", '"yes", no', "s1", "train"), ("train:3", "go", None, "train")]


def test_the_rows_of_each_manifest_get_its_split_and_names_of_their_own(tmp_path):
    for split in ("train", "val"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "manifest.json").write_text('{"audio_filepath": "a.wav", "text": "go"}\n')
    utterances = Manifest(str(tmp_path / "train/manifest.json"), val=str(tmp_path / "val/manifest.json")).prepare()
    assert [(u.id, u.split) for u in utterances] == [("train:1", "train"), ("val:1", "val")]


def test_several_manifests_of_one_part_are_read(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(f"audio_filepath,text\n{name}.wav,go\n")
    utterances = Manifest([str(tmp_path / "a.csv"), str(tmp_path / "b.csv")], test=[str(tmp_path / "b.csv")]).prepare()
    assert [(u.id, Path(u.audio).name, u.split) for u in utterances] == [
        ("train:1:2", "a.wav", "train"),
        ("train:2:2", "b.wav", "train"),
        ("test:2", "b.wav", "test"),
    ]


@pytest.mark.parametrize("named", [[], [3]])
def test_what_is_no_list_of_manifests_is_told(named):
    with pytest.raises(UserError, match=r"dataset.train=.* should be the path of a manifest, or a list of them"):
        Manifest(named).prepare()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("audio_filepath\ttext\na.wav\tyes, no; go\n", "yes, no; go"),
        ('audio_filepath;text;duration\na.wav;"yes; no, go";1.5\n', "yes; no, go"),
        ('\ufeffaudio_filepath;text\r\na.wav;"yes, no"\r\n', "yes, no"),
        ('audio_filepath,text,"a;b;c;d"\na.wav,yes;no,x\n', "yes;no"),
    ],
    ids=["tabs", "semicolons", "as a spreadsheet writes them", "commas, and semicolons in quotes"],
)
def test_the_separator_of_a_table_is_recognised(tmp_path, text, expected):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8", newline="")
    assert [u.text for u in Manifest(str(tmp_path / "a.csv")).prepare()] == [expected]


GOOD = '{"audio_filepath": "a.wav", "text": "go"}\n'


@pytest.mark.parametrize(
    ("name", "text", "columns", "message"),
    [
        pytest.param("a.jsonl", GOOD + '{"text": "go"', {}, r"a.jsonl:2 is not JSON", id="broken json"),
        pytest.param("a.json", f"[{GOOD}]", {}, r"a.json:1 is not JSON", id="one json list"),
        pytest.param("a.json", "[1]", {}, r"a.json:1 is not a JSON object", id="list instead of object"),
        pytest.param("a.jsonl", '{"audio_file": "a", "text": ""}', {}, r":1 .* mean audio_file\?", id="misspelt key"),
        pytest.param("a.jsonl", GOOD.replace('"go"', "7"), {}, r":1: text is 7, not a string", id="text is a number"),
        pytest.param("a.jsonl", GOOD.replace("a.wav", ""), {}, r":1: audio_filepath is empty", id="no audio"),
        pytest.param("a.jsonl", "\n", {}, r"a.jsonl lists no utterances", id="empty file"),
        pytest.param("a.jsonl", b"\xff\xfe", {}, r"a.jsonl is not UTF-8", id="other encoding"),
        pytest.param("a.txt", GOOD, {}, r"dataset.train=.*a.txt is none of .jsonl", id="unknown suffix"),
        pytest.param("a.jsonl", None, {}, r"dataset.train=.*a.jsonl is not a file", id="no such file"),
        pytest.param("a.csv", "audio_filepath,text\n", {}, r"a.csv lists no utterances", id="header alone"),
        pytest.param("a.csv", "a.wav,go\nb.wav,go\n", {}, r"no audio_filepath.* It has a.wav, go", id="no header"),
        pytest.param("a.csv", "audio_filepath,text,text\na,b,c", {}, r"a.csv:1 has the column text twice", id="twice"),
        pytest.param(
            "a.jsonl", '{"audio_filepath": "a", "text": "b", "text": "c"}', {}, r":1 has text twice", id="key twice"
        ),
        pytest.param("a.csv", "audio_filepath,text\na.wav,yes,no\n", {}, r"a.csv:2 has 3 cells", id="too many cells"),
        pytest.param("a.csv", 'audio_filepath,text\na.wav,"go\n', {}, r"a.csv:2 is malformed", id="open quote"),
        pytest.param("a.jsonl", GOOD, {"txt": "text"}, r"columns.txt .* Did you mean text\?", id="unknown field"),
        pytest.param("a.jsonl", GOOD, {"text": "txet"}, r"no txet. Did you mean text\?", id="misspelt column"),
        pytest.param("a.jsonl", GOOD, {"speaker": "who"}, r"no who", id="named column that is not there"),
        pytest.param(
            "a.csv", "audio_filepath,text,duration\na,b,long", {}, r'duration is "long"', id="duration in words"
        ),
        pytest.param("a.jsonl", GOOD.replace("}", ', "duration": 0}'), {}, r"seconds, above 0", id="no duration"),
        pytest.param("a.jsonl", GOOD.replace("}", ', "offset": -1}'), {}, r"offset is -1", id="negative offset"),
        pytest.param("a.jsonl", GOOD.replace("}", ', "offset": NaN}'), {}, r"offset is NaN", id="offset not a number"),
        pytest.param("a.jsonl", GOOD.replace("}", ', "offset": [1]}'), {}, r"offset is \[1\]", id="offset a list"),
    ],
)
def test_a_malformed_manifest_is_told_with_its_line_and_key(tmp_path, name, text, columns, message):
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=message):
        Manifest(str(tmp_path / name), columns=columns).prepare()

"""Names and texts in other alphabets, in two Unicode forms, and in none."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asrx.commands.explore import explore
from asrx.data.corpora.folder import Folder
from asrx.data.corpora.manifest import Manifest
from asrx.data.names import readable
from asrx.data.splits.leave_speakers_out import LeaveSpeakersOut
from asrx.types import UserError, Utterance

NFC, NFD = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))


def sound(path: str | Path) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        soundfile.write(file, 0.1 * np.sin(np.arange(4000)), 8000, format="WAV")


def test_one_word_in_two_unicode_forms_is_one_label(tmp_path):
    """As folders from macOS beside those from Linux."""
    sound(tmp_path / "classes" / NFC / "a.wav")
    sound(tmp_path / "classes" / NFD / "a.wav")
    assert [u.text for u in readable(Folder(str(tmp_path / "classes")).prepare())] == [NFC] * 2
    (tmp_path / "a.csv").write_text(f"audio_filepath,text,{NFD}\na.wav,{NFD} {NFC},{NFD}\n", encoding="utf-8")
    (u,) = readable(Manifest(str(tmp_path / "a.csv"), columns={"speaker": NFC}).prepare())
    assert (u.text, u.speaker) == (f"{NFC} {NFC}", NFC)


@pytest.mark.parametrize("asked", [NFC, NFD])
def test_one_speaker_in_two_unicode_forms_is_one_speaker(asked):
    given = readable([Utterance(f"{i}", "a.wav", "yes", [NFC, NFD, "bo"][i % 3]) for i in range(30)])
    assigned = LeaveSpeakersOut(asked, 0.2).assign(given)
    assert {u.speaker for u in assigned if u.split == "test"} == {NFC}
    assert {u.speaker for u in assigned if u.split != "test"} == {"bo"}


NOT_UNICODE = {
    "file": ("classes/yes/x\udcff.wav", r"The path \S*classes/yes/x\\xff\.wav of an utterance is not UTF-8"),
    "class": ("classes/x\udcff/a.wav", r"The path \S*classes/x\\xff/a\.wav of an utterance is not UTF-8"),
    "folder of all": ("cl\udcffsses/yes/a.wav", r"The path \S*cl\\xffsses/\S* of an utterance is not UTF-8"),
}


@pytest.mark.parametrize("name", NOT_UNICODE)
def test_what_is_not_unicode_is_named_by_every_command(tmp_path, launch, name):
    place, told = NOT_UNICODE[name]
    for other in ("no/a", "no/b", "yes/b"):
        sound(tmp_path / place.split("/")[0] / f"{other}.wav")
    sound(tmp_path / place)
    chosen = ["dataset=folder", f"dataset.root={tmp_path / place.split('/')[0]}", "model=cnn", "dataset.on_bad=skip"]
    chosen += [f"data_dir={tmp_path / 'data'}", "dataset.speaker_pattern=(.)"]
    with pytest.raises(SystemExit, match=told):
        launch(*chosen)
    with pytest.raises(UserError, match=told):
        explore(tmp_path / "page.html", chosen)
    assert not (tmp_path / "data").exists(), "nothing was decoded"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (r'{"audio_filepath": "a.wav", "text": "x\udc00"}', r"The text x\\udc00 of an utterance"),
        (r'{"audio_filepath": "a\u0000.wav", "text": "x"}', r"The path \S*a\\0\.wav of an utterance"),
        (r'{"audio_filepath": "a.wav", "text": "x", "speaker": "\ud800"}', r"The speaker \\ud800 of an utterance"),
    ],
)
def test_what_no_file_can_hold_is_named(tmp_path, row, told):
    (tmp_path / "a.jsonl").write_text(f"{row}\n")
    with pytest.raises(UserError, match=told):
        readable(Manifest(str(tmp_path / "a.jsonl")).prepare())


def test_what_is_written_strangely_but_is_unicode_is_used(tmp_path):
    given = [Utterance("a\n\u200d", "ü/\u202e.wav", "x\t😀\x7f", "\ue000")]
    assert readable(given) == given

"""The command `python -m asrx transcribe`: recordings to text, with a trained model.

    python -m asrx transcribe RUN_FOLDER hello.wav
    python -m asrx transcribe RUN_FOLDER recordings/ more.flac --format jsonl > texts.jsonl
    python -m asrx transcribe best.ckpt lecture.mp3 --format srt --into subtitles

Every format that libsndfile reads, at any rate. A recording longer than --longest is cut in pauses, by Silero's voice
activity detector. Recordings that cannot be used are named, and the others are transcribed all the same.
"""

from __future__ import annotations

import os
from pathlib import Path

from asrx.commands.answer import answered
from asrx.commands.arguments import Parser
from asrx.commands.recordings import files_of, readable
from asrx.types import UserError

FORMATS = ("txt", "jsonl", "srt", "vtt", "ctm", "TextGrid")  # of asrx.recognition.formats, which a help does not load
SINGLE = ("srt", "vtt", "TextGrid")  # a file can hold one recording


def main() -> None:
    """Entry point; errors are answered as `python -m asrx` does."""
    with answered([]):
        chosen = _arguments().parse_args()
        if not 0 < chosen.longest < float("inf"):
            raise UserError(f"--longest {chosen.longest:g} should be a number of seconds above 0, such as 20.")
        transcribe(chosen.model, chosen.audio, chosen.format, chosen.into, chosen.longest)


def _arguments() -> Parser:
    parser = Parser("transcribe", __doc__)
    parser.add_argument("model", metavar="RUN_FOLDER|CHECKPOINT", type=Path)
    parser.add_argument("audio", nargs="+", metavar="AUDIO", type=Path, help="files, or folders of them")
    parser.add_argument("--format", choices=FORMATS, default="txt")
    parser.add_argument("--into", metavar="FOLDER", type=Path, help="a file for each recording, instead of printing")
    parser.add_argument("--longest", metavar="SECONDS", type=float, default=20.0, help="20 by default")
    return parser


def transcribe(model: Path, audio: list[Path], form: str, into: Path | None, longest: float) -> None:
    """Print transcripts, or write a file for each recording.

    Args:
        model: a run folder or a checkpoint.
        audio: files and folders of them.
        form: one of `FORMATS`.
        into: folder of the files; None prints.
        longest: see `asrx.recognition.recognizer.Recognizer`.

    Raises:
        UserError: there is no model, no recording, or some could not be used (the others are done by then).
    """
    from asrx.recognition import formats
    from asrx.recognition.recognizer import load

    paths = files_of(audio)
    if into is None and form in SINGLE and len(paths) > 1:
        raise UserError(f"--format {form} holds one recording, and these are {len(paths)}: add --into FOLDER.")
    places = _places(paths, into, form)
    recognizer = load(model, longest)
    bad: list[str] = []
    write = formats.FORMATS[form]
    for transcript in recognizer.transcripts(readable(paths, recognizer.sample_rate, bad)):
        text = write(transcript)
        if into is not None:
            place = places[Path(transcript.name)]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        elif form == "txt" and len(paths) > 1:
            print(f"{transcript.name}\t{transcript.text}")
        else:
            print(text, end="")
    if bad:
        raise UserError(f"{len(bad)} of {len(paths)} recordings could not be transcribed; they are named above.")


def _places(paths: list[Path], into: Path | None, form: str) -> dict[Path, Path]:
    """Where each transcript goes: under the recording's path from the folder that all are in."""
    if into is None:
        return {}
    top = os.path.commonpath([path.absolute().parent for path in paths])
    places = {path: (into / path.absolute().relative_to(top)).with_suffix(f".{form}") for path in paths}
    if len(set(places.values())) < len(places):
        return {path: place.with_name(f"{path.name}.{form}") for path, place in places.items()}  # a.wav and a.flac
    return places

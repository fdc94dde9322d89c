"""The command `python -m asrx transcribe`: recordings to text, with a trained model.

    python -m asrx transcribe RUN_FOLDER hello.wav
    python -m asrx transcribe RUN_FOLDER recordings/ more.flac --format jsonl > texts.jsonl
    python -m asrx transcribe best.ckpt lecture.mp3 --format srt --into subtitles
    python -m asrx transcribe RUN_FOLDER recordings/ decode=lm decode.lm=talks.arpa
    python -m asrx transcribe RUN_FOLDER --live --format srt          # the microphone, until Ctrl-C
    python -m asrx transcribe RUN_FOLDER --live talk.wav              # a file that somebody still writes

Every format that libsndfile reads, at any rate. A recording longer than --longest is cut in pauses, by Silero's voice
activity detector. Recordings that cannot be used are named, and the others are transcribed all the same.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from asrx.commands.answer import answered
from asrx.commands.arguments import Parser
from asrx.commands.recordings import files_of, readable
from asrx.types import UserError

FORMATS = ("txt", "jsonl", "srt", "vtt", "ctm", "TextGrid")  # of asrx.recognition.formats, which a help does not load
LIVE = ("txt", "srt", "vtt")  # those to which text can be added
CHUNK = 0.1  # s of sound at a time
SINGLE = ("srt", "vtt", "TextGrid")  # a file can hold one recording


def main() -> None:
    """Entry point; errors are answered as `python -m asrx` does."""
    overrides: list[str] = []
    with answered(overrides):
        chosen = _arguments().parse_intermixed_args()
        overrides += [str(word) for word in chosen.audio if "=" in str(word) and not word.exists()]
        chosen.audio = [word for word in chosen.audio if str(word) not in overrides]
        if not 0 < chosen.longest < float("inf"):
            raise UserError(f"--longest {chosen.longest:g} should be a number of seconds above 0, such as 20.")
        if chosen.live:
            _check_live(chosen)
            live(chosen.model, next(iter(chosen.audio), None), chosen.format, chosen.patience, overrides)
            return
        if not chosen.audio:
            raise UserError("there is nothing to transcribe: name recordings, or --live for the microphone.")
        transcribe(chosen.model, chosen.audio, chosen.format, chosen.into, chosen.longest, overrides)


def _arguments() -> Parser:
    parser = Parser("transcribe", __doc__)
    parser.add_argument("model", metavar="RUN_FOLDER|CHECKPOINT", type=Path)
    parser.add_argument(
        "audio",
        nargs="*",
        metavar="AUDIO|KEY=VALUE",
        type=Path,
        help="files, folders, changes to the config",
    )
    parser.add_argument("--format", choices=FORMATS, default="txt")
    parser.add_argument("--into", metavar="FOLDER", type=Path, help="a file for each recording, instead of printing")
    parser.add_argument("--longest", metavar="SECONDS", type=float, default=20.0, help="20 by default")
    parser.add_argument("--live", action="store_true", help="the microphone, or a WAV that grows")
    parser.add_argument(
        "--patience", metavar="SECONDS", type=float, default=5.0, help="without growth, until a file is over; 5"
    )
    return parser


def _check_live(chosen: Namespace) -> None:
    if len(chosen.audio) > 1:
        raise UserError(
            f"--live follows one file, and these are {len(chosen.audio)}: name one, or the microphone: none."
        )
    if chosen.format not in LIVE or chosen.into:
        raise UserError(f"--live prints {', '.join(LIVE)}: leave out --into, and choose one with --format.")
    if not 0 < chosen.patience < float("inf"):
        raise UserError(f"--patience {chosen.patience:g} should be a number of seconds above 0, such as 5.")


def live(model: Path, audio: Path | None, form: str, patience: float, overrides: Sequence[str] = ()) -> None:
    """Print what is said once it is sure, while more is being said.

    Args:
        model: a run folder or a checkpoint.
        audio: a WAV that grows; None for the microphone.
        form: one of `LIVE`.
        patience: s without growth until the file is over.
        overrides: see `asrx.recognition.recognizer.load`.

    Raises:
        UserError: there is no model, or nothing can be heard.
    """
    from asrx.recognition import formats, streaming
    from asrx.recognition.answers import Piece, Transcript
    from asrx.recognition.live import growing, microphone, until_interrupted
    from asrx.recognition.recognizer import load

    recognizer = load(model, overrides=overrides)
    listening, rate = streaming.stream(recognizer), recognizer.sample_rate
    pieces: list[Piece] = []
    printed = 0

    def show(heard: list[streaming.Heard]) -> None:
        nonlocal printed
        for said in heard:
            if said.final:
                end = said.words[-1].end if said.words else said.start
                pieces.append(Piece(said.start, end, said.text, 1.0, said.words))
        # in these formats what is added stands at the end
        text = formats.FORMATS[form](Transcript("", pieces[-1].end if pieces else 0.0, pieces))
        print(text[printed:], end="", flush=True)
        printed = len(text)

    chunks = microphone(rate, CHUNK) if audio is None else growing(audio, rate, CHUNK, patience)
    for wave_T in until_interrupted(chunks):
        show(listening.accept(wave_T))
    show(listening.finish())


def transcribe(
    model: Path, audio: list[Path], form: str, into: Path | None, longest: float, overrides: Sequence[str] = ()
) -> None:
    """Print transcripts, or write a file for each recording.

    Args:
        model: a run folder or a checkpoint.
        audio: files and folders of them.
        form: one of `FORMATS`.
        into: folder of the files; None prints.
        longest: see `asrx.recognition.recognizer.Recognizer`.
        overrides: see `asrx.recognition.recognizer.load`.

    Raises:
        UserError: there is no model, no recording, or some could not be used (the others are done by then).
    """
    from asrx.decoding.label import LabelDecoder
    from asrx.recognition import formats
    from asrx.recognition.recognizer import load

    paths = files_of(audio)
    if into is None and form in SINGLE and len(paths) > 1:
        raise UserError(f"--format {form} holds one recording, and these are {len(paths)}: add --into FOLDER.")
    if form == "ctm" and into is None and len({path.stem for path in paths}) < len(paths):
        raise UserError("--format ctm names a recording by its file's stem, and two are alike: add --into FOLDER.")
    places = _places(paths, into, form)
    recognizer = load(model, longest, overrides)
    if form == "ctm" and isinstance(recognizer.engine.decoder, LabelDecoder):
        raise UserError(f"--format ctm holds words, and {model} answers a label each: choose txt or jsonl.")
    if into is not None:
        into.mkdir(parents=True, exist_ok=True)  # before the first answer
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

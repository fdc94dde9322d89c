"""Transcripts as files: text, JSON Lines, subtitles, and the time-aligned formats of speech tools."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from asrx.recognition.answers import Piece, Transcript

CUE_SECONDS, CUE_LETTERS = 6.0, 84  # of a subtitle: two lines of 42 letters


def txt(transcript: Transcript) -> str:
    """A line for each piece in which something was said."""
    return "".join(f"{piece.text}\n" for piece in transcript.pieces if piece.text)


def jsonl(transcript: Transcript) -> str:
    """One line: audio_filepath, duration, text, confidence, and the words (as manifests of `dataset=manifest` have
    them, so that what was recognised can be looked through and trained on)."""
    facts = {
        "audio_filepath": transcript.name,
        "duration": round(transcript.duration, 3),
        "text": transcript.text,
        "confidence": round(transcript.confidence, 3),
        "words": [
            {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(word).items()}
            for word in transcript.words
        ],
    }
    # bytes of a name that are no UTF-8 are escaped as Python's file names have them, so that the line is UTF-8
    return json.dumps(facts, ensure_ascii=not _is_text(transcript.name)) + "\n"


def _is_text(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def srt(transcript: Transcript) -> str:
    """SubRip subtitles."""
    return "".join(
        f"{i}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{text}\n\n"
        for i, (start, end, text) in enumerate(_cues(transcript), 1)
    )


def vtt(transcript: Transcript) -> str:
    """WebVTT subtitles (https://www.w3.org/TR/webvtt1/); markup in labels is escaped."""
    return "WEBVTT\n\n" + "".join(
        f"{_clock(start, '.')} --> {_clock(end, '.')}\n{_escaped(text)}\n\n" for start, end, text in _cues(transcript)
    )


def ctm(transcript: Transcript) -> str:
    """A line for each word, as NIST's scoring tools read it: recording, channel, begin, duration, word, confidence."""
    name = "_".join(Path(transcript.name).stem.split()) or "-"
    return "".join(
        f"{name} 1 {word.start:.2f} {word.end - word.start:.2f} {word.text} {word.confidence:.4f}\n"
        for word in transcript.words
    )


def textgrid(transcript: Transcript) -> str:
    """A Praat TextGrid with the tiers `pieces` and `words` (https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html)."""
    end = transcript.duration
    tiers = {
        "pieces": [(piece.start, piece.end, piece.text) for piece in transcript.pieces],
        "words": [(word.start, word.end, word.text) for word in transcript.words],
    }
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", f"{end:.6f}", "<exists>", len(tiers)]
    for name, spans in tiers.items():
        intervals = _without_gaps(spans, end)
        lines += ['"IntervalTier"', f'"{name}"', "0", f"{end:.6f}", len(intervals)]
        for start, close, text in intervals:
            quoted = text.replace('"', '""')
            lines += [f"{start:.6f}", f"{close:.6f}", f'"{quoted}"']
    return "\n".join(map(str, lines)) + "\n"


FORMATS: dict[str, Callable[[Transcript], str]] = {
    "txt": txt,
    "jsonl": jsonl,
    "srt": srt,
    "vtt": vtt,
    "ctm": ctm,
    "TextGrid": textgrid,
}


def _cues(transcript: Transcript) -> list[tuple[float, float, str]]:
    """Begin, end and text of each subtitle: pieces, cut between words where they are too long to be read."""
    return [cue for piece in transcript.pieces if piece.text for cue in _cues_of(piece)]


def _cues_of(piece: Piece) -> list[tuple[float, float, str]]:
    if not piece.words:  # a label
        return [(piece.start, piece.end, piece.text)]
    cues: list[tuple[float, float, str]] = []
    for word in piece.words:
        if cues and word.end - cues[-1][0] <= CUE_SECONDS and len(cues[-1][2]) + len(word.text) < CUE_LETTERS:
            start, _, text = cues.pop()
            cues.append((start, word.end, f"{text} {word.text}"))
        else:
            cues.append((word.start, word.end, word.text))
    return cues


def _without_gaps(spans: list[tuple[float, float, str]], duration: float) -> list[tuple[float, float, str]]:
    """What was said, and empty intervals between: a tier covers the whole recording."""
    intervals, at = [], 0.0
    for start, end, text in spans:
        if start > at:
            intervals.append((at, start, ""))
        intervals.append((max(at, start), end, text))
        at = end
    return [*intervals, (at, duration, "")] if at < duration or not intervals else intervals


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(1000 * seconds)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

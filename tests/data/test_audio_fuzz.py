"""Sound files with mutated headers are what their headers say, or are named; none is waited for, or fills the memory.

Some cases here; the whole by `ASRX_FUZZ=1000 python -m pytest -n 0 tests/data/test_audio_fuzz.py`.
"""

from __future__ import annotations

import io
import resource
import struct
import time
import wave
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
import soundfile
from fuzz import cases
from hypothesis import given
from hypothesis import strategies as st

from asrx.data.audio import Audio
from asrx.sound.headers import PLACEHOLDER, SLACK
from asrx.types import Utterance

RATE = 16000
LONGEST = 10.0  # s, of reading one of these files
MEMORY = 2 * 2**20  # kB
HEADER = 128  # bytes, in which most of a header lies
KINDS = {
    "wav": ("WAV", "PCM_16"),
    "wav of 24 bits": ("WAV", "PCM_24"),
    "wav of floats": ("WAV", "FLOAT"),
    "wav of a-law": ("WAV", "ALAW"),
    "gsm": ("WAV", "GSM610"),
    "adpcm": ("WAV", "IMA_ADPCM"),
    "wavex": ("WAVEX", "PCM_16"),
    "rf64": ("RF64", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "aiff": ("AIFF", "PCM_16"),
    "au": ("AU", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "sphere": ("NIST", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "vorbis": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}


@cache
def sound(kind: str, channels: int) -> bytes:
    """Half a second."""
    file, (form, subtype) = io.BytesIO(), KINDS[kind]
    samples = 0.1 * np.random.default_rng(0).standard_normal((RATE // 2, 1 if kind == "gsm" else channels))
    soundfile.write(file, samples, RATE, subtype, format=form)
    return file.getvalue()


class Mutated(NamedTuple):
    kind: str
    content: bytes

    def __repr__(self) -> str:
        return f"{self.kind}, {len(self.content)} bytes: {self.content[:HEADER].hex()}"


@st.composite
def mutated(draw) -> Mutated:
    kind = draw(st.sampled_from(list(KINDS)))
    content = bytearray(sound(kind, draw(st.integers(1, 2))))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, HEADER) if draw(st.integers(0, 3)) else st.integers(0, len(content)))
        match draw(st.sampled_from(["byte", "byte", "bit", "number", "number", "cut", "insert", "remove", "append"])):
            case "byte":
                content[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "bit":
                content[at : at + 1] = bytes(b ^ 1 << draw(st.integers(0, 7)) for b in content[at : at + 1])
            case "number":
                number = draw(
                    st.sampled_from([0, 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1]) | st.integers(0, 2**32 - 1)
                )
                content[at : at + 4] = number.to_bytes(4, draw(st.sampled_from(["little", "big"])))
            case "cut":
                del content[draw(st.integers(0, len(content))) :]
            case "insert":
                content[at:at] = draw(st.binary(max_size=16))
            case "remove":
                del content[at : at + draw(st.integers(1, 16))]
            case "append":
                content += draw(st.binary(max_size=64))
    return Mutated(kind, bytes(content))


def stated(content: bytes) -> float | None:
    """Seconds that a header says, read by other eyes than libsndfile's; None where it does not say it or is none."""
    try:
        if content[:4] == b"RIFF":
            with wave.open(io.BytesIO(content)) as file:
                frames, rate, size = file.getnframes(), file.getframerate(), file.getnchannels() * file.getsampwidth()
        elif content[:4] == b".snd":
            _, _, data, encoding, rate, channels = struct.unpack(">4s5I", content[:24])
            frames, size = data // (2 * channels), 2 * channels
            if encoding != 3:
                return None
        elif content[:8] == b"fLaC" + bytes([0, 0, 0, 34]):
            packed = int.from_bytes(content[18:26], "big")
            frames, rate, size = packed & (1 << 36) - 1, packed >> 44, 1
            if not frames:
                return None
        else:
            return None
    except Exception:  # it is none that these can read
        return None
    unknown = -frames * size % 2**31 <= PLACEHOLDER + size
    return None if unknown or not rate else frames / rate


@cases(150)
@given(mutated())
def test_a_header_is_believed_only_where_it_is_right(tmp_path_factory, file):
    path = tmp_path_factory.getbasetemp() / "mutated"
    path.write_bytes(file.content)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    ((samples, _, error),) = Audio(RATE).decode(str(path), [Utterance("a", str(path), "")])
    assert time.monotonic() - start < LONGEST
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < max(MEMORY, before + 1)
    assert bool(error) != bool(len(samples))
    assert "\n" not in error
    if not error and (seconds := stated(file.content)) is not None:
        assert len(samples) / RATE == pytest.approx(seconds, abs=SLACK + 0.001)


@cases(150)
@given(st.sampled_from(list(KINDS)), st.integers(1, 2), st.floats(0, 1, exclude_max=True))
def test_a_file_that_is_cut_off_is_named(tmp_path_factory, kind, channels, share):
    path = tmp_path_factory.getbasetemp() / "cut"
    whole = sound(kind, channels)
    path.write_bytes(whole[: int(share * len(whole))])
    ((samples, _, error),) = Audio(RATE).decode(str(path), [Utterance("a", str(path), "")])
    # a block of GSM that is filled up lasts 40 ms
    assert error or len(samples) / RATE > 0.5 - SLACK - 0.04

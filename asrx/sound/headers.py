"""What the header of a sound file says of its length, which libsndfile corrects in silence where a file is cut off."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asrx.sound import ogg

if TYPE_CHECKING:
    from soundfile import SoundFile

SLACK = 0.05  # s; writers count a header or a padding in, decoders of MP3 drop some samples
UNKNOWN = 2**63 - 1  # libsndfile's number of frames where a header does not say it
# In libsndfile's log: bytes of sound by the header (of WAV, AIFF, AU, W64 and RF64, CAF), and those that are there.
CORRECTED = re.compile(r"^\s*(?:data|SSND|Data Size|riff|Riff size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
COUNT = re.compile(rb"^sample_count -i (\d+)", re.MULTILINE)
NIST_HEADER = 1024  # bytes
PLACEHOLDER = 4096  # bytes; what writes to a pipe states a size so little below 2 GiB or 4 GiB, as it cannot know it


def damage(path: str | bytes, file: SoundFile) -> str:
    """What a file lacks of what its header says, in words; empty where it lacks nothing."""
    return DAMAGE.get(file.format, _cut)(path, file)


def _cut(path: str | bytes, file: SoundFile) -> str:
    found = CORRECTED.search(file.extra_info)
    if not found:
        return ""
    stated, there = int(found[1]), int(found[2])
    if -stated % 2**31 <= PLACEHOLDER:
        return ""
    return _breaks_off(file, file.frames * stated / max(there, 1))


def _counted(path: str | bytes, file: SoundFile) -> str:
    with open(path, "rb") as header:
        found = COUNT.search(header.read(NIST_HEADER))
    return _breaks_off(file, int(found[1])) if found else ""


def _breaks_off(file: SoundFile, stated: float) -> str:
    rate = file.samplerate
    if stated <= file.frames + SLACK * rate:
        return ""
    return f"breaks off {file.frames / rate:g} s into {stated / rate:g} s"


DAMAGE = {"OGG": lambda path, _: ogg.damage(path), "NIST": _counted}

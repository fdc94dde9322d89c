"""Whether an Ogg file is whole (RFC 3533); libsndfile skips what is damaged and ends where the file ends."""

from __future__ import annotations

import struct
import zlib

HEADER = struct.Struct("<4sBBqIIIB")
LAST = 4  # the flag of a stream's last page
BACKWARDS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def damage(path: str | bytes) -> str:
    """What is wrong with the pages of an Ogg file, in words; empty where nothing is."""
    with open(path, "rb") as file:
        pages = memoryview(file.read())
    at, open_streams, number_of = 0, set(), {}
    while at + HEADER.size <= len(pages) and pages[at : at + 4] == b"OggS":
        _, _, flags, _, stream, number, checksum, count = HEADER.unpack_from(pages, at)
        body = at + HEADER.size + count
        end = body + sum(pages[at + HEADER.size : body])
        if end > len(pages) or _checksum(bytes(pages[at:end])) != checksum:
            return f"breaks off or is damaged {at} bytes into {len(pages)}"
        if number != number_of.get(stream, number):
            return f"lacks pages {at} bytes into {len(pages)}"
        number_of[stream] = number + 1
        open_streams = open_streams - {stream} if flags & LAST else open_streams | {stream}
        at = end
    return "breaks off: its last page is missing" if open_streams or not at else ""


def _checksum(page: bytes) -> int:
    """Ogg's CRC of a page, whose own field counts as zero: zlib's, with the bits of each byte and of the sum turned
    round, and without its first and last inversion."""
    turned = (page[:22] + bytes(4) + page[26:]).translate(BACKWARDS)
    return int(f"{zlib.crc32(turned, 0xFFFFFFFF) ^ 0xFFFFFFFF:032b}"[::-1], 2)

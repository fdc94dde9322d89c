"""Archives as they should be, and as somebody builds them who wants to write elsewhere or fill the disk."""

from __future__ import annotations

import io
import os
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from asrx.data.archives import extract
from asrx.types import UserError

Member = tuple[tarfile.TarInfo, bytes]


def file(name: str, content: bytes = b"audio", **attributes) -> Member:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for attribute, value in attributes.items():
        setattr(member, attribute, value)
    return member, content


def other(name: str, kind: bytes, to: str = "") -> Member:
    return file(name, b"", type=kind, linkname=to)


def write(path: Path, *members: Member, mode: str = "w:gz", form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, mode, format=form) as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return path


def with_size(path: Path, size: bytes) -> Path:
    """An uncompressed archive of one file whose header says another size."""
    header = bytearray(write(path, file("a.wav", b"audio" * 200), mode="w").read_bytes())
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    path.write_bytes(header)
    return path


def way_out(path: Path) -> Path:
    """CVE-2025-4517: a chain of links so long that `realpath` gives up before it sees that it leads outside."""
    part, members, step = "d" * 247, [], ""
    for letter in "abcdefghijklmnop":
        members += [other(os.path.join(step, part), tarfile.DIRTYPE), other(f"{step}{letter}", tarfile.SYMTYPE, part)]
        step = os.path.join(step, part) + "/"
    chain = os.path.join("/".join("abcdefghijklmnop"), "l" * 254)
    members += [
        other(chain, tarfile.SYMTYPE, "../" * 16),
        other("escape", tarfile.SYMTYPE, f"{chain}/../../outside"),
        other("hard", tarfile.LNKTYPE, "escape/file"),
        file("hard", b"written outside"),
    ]
    return write(path, *members)


HUGE = file("zeros", bytes(120_000_000))
BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "a path that leads outside": (lambda p: write(p, file("a.wav"), file("../outside")), r"\.\./outside leads outside"),
    "the same, inside first": (lambda p: write(p, file("a/../../outside")), "leads outside"),
    "an absolute path": (lambda p: write(p, file(f"{p.parent.parent}/outside")), "leads outside"),
    "a link that leads outside": (lambda p: write(p, other("b", tarfile.SYMTYPE, "../..")), "b is neither a file nor"),
    "a link inside": (lambda p: write(p, file("a.wav"), other("b", tarfile.SYMTYPE, "a.wav")), "b is neither a file"),
    "a hard link": (lambda p: write(p, other("b", tarfile.LNKTYPE, "../../outside")), "b is neither a file nor"),
    "links too many to follow": (way_out, "is neither a file nor a folder"),
    "a device": (lambda p: write(p, other("null", tarfile.CHRTYPE)), "null is neither a file nor a folder"),
    "a pipe": (lambda p: write(p, other("pipe", tarfile.FIFOTYPE)), "pipe is neither a file nor a folder"),
    "a kind that nobody knows": (lambda p: write(p, other("what", b"Q")), "what is neither a file nor a folder"),
    "holes": (lambda p: write(p, file("a", pax_headers={"GNU.sparse.map": "0,5"})), "a has no size"),
    "a thousand times its size": (lambda p: write(p, HUGE), "it unpacks to more than 100,000,000 bytes"),
    "a size beyond all": (lambda p: with_size(p, b"\x80" + struct.pack(">QH", 1 << 50, 0) + b"\0"), "unpacks to more"),
    "a size below nothing": (lambda p: with_size(p, b"\xff" * 11 + b"\x00"), "has no size"),
    "a size in the attributes": (lambda p: write(p, file("a", pax_headers={"size": "-512"})), "a has no size"),
    "endless attributes": (lambda p: write(p, file("a", pax_headers={"x": "y" * (2 << 20)})), "attributes of 209"),
    "an endless name": (lambda p: write(p, file("n/" * (1 << 20)), form=tarfile.GNU_FORMAT), "attributes of 209"),
    "a name with a zero": (lambda p: write(p, file("a", pax_headers={"path": "a\0b"})), "null byte"),
    "a file that is a folder too": (lambda p: write(p, file("a"), file("a/b")), "Not a directory"),
    "cut short": (lambda p: p.write_bytes(write(p, file("a.wav", os.urandom(999))).read_bytes()[:500]), "ended before"),
    "no archive": (lambda p: p.write_bytes(b"not an archive"), "file could not be opened"),
    "nothing": (lambda p: p.write_bytes(b""), ""),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_archive_is_refused_whole(tmp_path, name):
    make, words = BAD[name]
    (tmp_path / "in").mkdir()
    (tmp_path / "outside").write_text("untouched")
    archive = tmp_path / "in" / "corpus.tar.gz"
    make(archive)
    with pytest.raises(UserError, match=rf"corpus\.tar\.gz cannot be unpacked.*{words}") as refused:
        extract(archive, tmp_path / "in" / "corpus")
    assert "\n" not in str(refused.value)
    assert (tmp_path / "outside").read_text() == "untouched"
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")) == [
        "in",
        "in/corpus.tar.gz",
        "outside",
    ]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_a_good_archive_is_unpacked_whole(tmp_path, mode, form):
    names = ["corpus/a.wav", "./b.wav", f"corpus/{'d' * 90}/{'f' * 90}.wav", "corpus/größe.wav"]
    archive = write(tmp_path / "a.tar", other("corpus", tarfile.DIRTYPE), *map(file, names), mode=mode, form=form)
    extract(archive, tmp_path / "out")
    assert {p.relative_to(tmp_path / "out") for p in (tmp_path / "out").rglob("*.wav")} == set(map(Path, names))
    assert {p.read_bytes() for p in (tmp_path / "out").rglob("*.wav")} == {b"audio"}


def test_a_full_disk_is_told_as_one(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(tarfile.TarFile, "makefile", full)
    with pytest.raises(UserError, match=r"a\.tar cannot be unpacked to .*out \(No space left on device\)"):
        extract(write(tmp_path / "a.tar", file("a.wav")), tmp_path / "out")
    assert not (tmp_path / "out").exists()

"""Unpacking an archive that others made: files and folders inside one new folder, and nothing else.

Python's own filter has let links lead outside more than once (CVE-2025-4517 and its kin); here there are none.
"""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from asrx.types import UserError, reason

RATIO = 20  # unpacked to packed size, at most: sound and texts pack two to ten times
SMALL = 100_000_000  # bytes; what unpacks to less is never too much
HEADER = 1 << 20  # bytes of a long name or of one member's attributes, at most: tarfile takes them into memory

KINDS = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.DIRTYPE)
ATTRIBUTES = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME)
CLASHES = (FileExistsError, NotADirectoryError, IsADirectoryError)  # of two members


class _Refused(Exception):
    """Why an archive is not unpacked."""


class _Member(tarfile.TarInfo):
    """One whose kind is looked at before tarfile reads what follows its header."""

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in ATTRIBUTES:
            if not 0 <= self.size <= HEADER:
                raise _Refused(f"attributes of {self.size} bytes")
        elif self.type not in KINDS:
            raise _Refused(f"{self.name} is neither a file nor a folder")
        return super()._proc_member(tar)


def extract(archive: str | Path, folder: str | Path) -> None:
    """Unpack a tar archive (compressed or not) into a new folder, which appears only when it is whole.

    Args:
        archive: the archive.
        folder: the folder to make; its parent must exist.

    Raises:
        UserError: the archive is damaged, holds a link, a device or a name that leads outside the folder, or unpacks to
            far more than its size; or the disk has no room.
    """
    from tqdm import tqdm

    folder = Path(folder)
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as temporary:
        unpacked = Path(temporary) / "unpacked"
        unpacked.mkdir()
        try:
            most = max(RATIO * Path(archive).stat().st_size, SMALL)
            with tarfile.open(archive, tarinfo=_Member) as tar:
                for member in tqdm(tar, desc=f"Unpacking {Path(archive).name}", unit="file"):
                    _check(member, tar, most)
                    tar.extract(member, unpacked, filter="data")
        except Exception as error:  # whatever a strange archive provokes
            if isinstance(error, OSError) and error.errno and not isinstance(error, CLASHES):  # the disk's
                raise UserError(
                    f"{archive} cannot be unpacked to {folder} ({error.strerror}): mend that and run again."
                ) from error
            raise UserError(f"{archive} cannot be unpacked ({reason(error)}): delete it and run again.") from error
        unpacked.replace(folder)


def _check(member: tarfile.TarInfo, tar: tarfile.TarFile, most: int) -> None:
    """Refuse a member before anything of it is written. `tar.offset` is where it ends in the unpacked archive."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise _Refused(f"{member.name} leads outside")
    if member.issparse() or member.size < 0:  # of which the size says nothing, or that would be read for ever
        raise _Refused(f"{member.name} has no size")
    if tar.offset > most:
        raise _Refused(f"it unpacks to more than {most:,} bytes")

"""Getting a corpus: download it, unpack it, and find where in a folder it lies."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from pathlib import Path

from asrx.data.archives import extract
from asrx.types import UserError

ATTEMPTS = 5
CHUNK = 1 << 20  # bytes
TIMEOUT = 30  # seconds without a byte


def fetch(url: str, folder: str | Path, what: str, sha256: str) -> Path:
    """Download a file once, resuming what a broken download left behind.

    Args:
        url: address of the file.
        folder: where it is put, under the last part of its address.
        what: what it is and where it comes from, in words, with its size.
        sha256: its checksum in hexadecimal digits.

    Returns:
        The file, with the right checksum.

    Raises:
        UserError: the server cannot be reached or does not have the file, or the checksum is wrong.
    """
    from filelock import FileLock

    target = Path(folder) / url.rsplit("/", 1)[-1]
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{target}.lock"):
        if not target.exists():
            part = target.with_name(f"{target.name}.part")
            _download(url, part, what)
            with part.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != sha256:
                part.unlink()
                raise UserError(
                    f"{what}, {url}, arrived with SHA-256 {found} instead of {sha256}: run again to download it "
                    "afresh, or pass files you have with dataset.root=FOLDER."
                )
            part.replace(target)
    return target


def _download(url: str, part: Path, what: str) -> None:
    broken: Exception | None = None
    for _ in range(ATTEMPTS):
        start = part.stat().st_size if part.exists() else 0
        request = urllib.request.Request(url, headers={"User-Agent": "asrx"})
        if start:
            request.add_header("Range", f"bytes={start}-")
        try:
            response = urllib.request.urlopen(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            if start and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # nothing is left to send; the checksum tells whether the part is the whole
            raise _unreachable(url, what, error) from None
        except OSError as error:
            raise _unreachable(url, what, error) from None
        try:
            with response:
                _save(response, part, start)
            return
        except (OSError, http.client.HTTPException) as error:
            broken = error
    raise _unreachable(url, what, broken)


def _save(response: http.client.HTTPResponse, part: Path, start: int) -> None:
    from tqdm import tqdm

    resumed = response.status == http.client.PARTIAL_CONTENT
    start = start if resumed else 0
    length = response.headers.get("Content-Length")
    total = start + int(length) if length else None
    bar = tqdm(
        total=total, initial=start, desc=f"Downloading {part.stem}", unit="B", unit_scale=True, unit_divisor=1024
    )
    with bar, part.open("ab" if resumed else "wb") as file:
        while chunk := response.read1(CHUNK):
            file.write(chunk)
            bar.update(len(chunk))
        if total is not None and file.tell() < total:  # http.client does not tell a short answer from a whole one
            raise ConnectionError(f"the connection broke after {file.tell()} of {total} bytes")


def _unreachable(url: str, what: str, error: Exception | None) -> UserError:
    reason = getattr(error, "reason", None) or error
    return UserError(
        f"Cannot download {what}, {url} ({reason}): check the network and run again (what has arrived is kept), "
        "or pass files you have with dataset.root=FOLDER."
    )


def obtain(url: str, folder: str | Path, what: str, sha256: str) -> Path:
    """Download an archive and unpack it into `folder`, unless that was done before; answer the folder.

    Args and errors are those of `fetch` and `extract`; the archive is deleted once it is unpacked.
    """
    from filelock import FileLock

    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            archive = fetch(url, folder.parent, what, sha256)
            extract(archive, folder)
            archive.unlink()
    return folder


def locate(root: str | Path, marker: str, what: str) -> Path:
    """Find the folder in which a corpus lies: `root` itself, or one at most two levels below.

    Args:
        root: the folder the user named.
        marker: glob of something that the corpus's folder holds, relative to it.
        what: the corpus's name.

    Raises:
        UserError: there is no such folder, or more than one.
    """
    root = Path(root).expanduser()
    if not root.is_dir():
        raise UserError(f"dataset.root={root} is not a folder: pass the folder that holds {what}.")
    if any(root.glob(marker)):
        return root
    for depth in ("*/", "*/*/"):
        folders = sorted({match.parents[marker.count("/")] for match in root.glob(depth + marker)})
        if len(folders) > 1:
            raise UserError(f"dataset.root={root} holds {what} more than once: pass one of {_names(folders)}.")
        if folders:
            return folders[0]
    raise UserError(
        f"dataset.root={root} is not laid out as {what}: looked for {marker} there and two levels below, "
        f"found {_names(sorted(root.iterdir())) or 'nothing'}; pass the folder that holds {marker}."
    )


def _names(paths: list[Path], most: int = 6) -> str:
    names = [p.name for p in paths]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")

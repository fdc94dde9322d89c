from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from asrx.data.download import fetch, locate, obtain
from asrx.types import UserError

WHAT = "a test corpus (about 300 kB) from this machine"
CONTENT = bytes(range(256)) * 1200
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `content` at every address; sends only the first `breaks_after[i]` bytes of answer i, if not None."""

    def __init__(self, content: bytes = CONTENT, breaks_after: tuple = (), honours_range: bool = True):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.breaks_after, self.honours_range = content, list(breaks_after), honours_range
        self.ranges = []
        self.url = f"http://127.0.0.1:{self.server_port}/corpus.tar.gz"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.server.honours_range else 0
        if self.path == "/absent.tar.gz":
            return self.send_error(404)
        if start and start >= len(self.server.content):
            return self.send_error(416)
        rest = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: self.server.breaks_after.pop(0) if self.server.breaks_after else None])

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(**behaviour) -> Server:
        server = Server(**behaviour)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("part", "behaviour", "ranges"),
    [
        pytest.param(b"", {}, [None], id="whole at once"),
        pytest.param(b"", {"breaks_after": (1000,)}, [None, "bytes=1000-"], id="connection breaks once"),
        pytest.param(CONTENT[:5000], {}, ["bytes=5000-"], id="an earlier run was broken off"),
        pytest.param(CONTENT[:5000], {"honours_range": False}, ["bytes=5000-"], id="server ignores the range"),
        pytest.param(CONTENT, {}, [f"bytes={len(CONTENT)}-"], id="an earlier run had everything"),
    ],
)
def test_a_download_is_complete_and_resumed(tmp_path, serve, part, behaviour, ranges):
    server = serve(**behaviour)
    if part:
        (tmp_path / "corpus.tar.gz.part").write_bytes(part)
    assert fetch(server.url, tmp_path, WHAT, SHA256).read_bytes() == CONTENT
    assert server.ranges == ranges
    assert not list(tmp_path.glob("*.part"))


def test_a_file_is_downloaded_only_once(tmp_path, serve):
    server = serve()
    threads = [threading.Thread(target=fetch, args=(server.url, tmp_path, WHAT, SHA256)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.ranges) == 1


def test_a_connection_that_keeps_breaking_is_given_up_and_what_arrived_is_kept(tmp_path, serve):
    server = serve(breaks_after=(1000,) * 5)
    with pytest.raises(UserError, match="connection broke after 5000 of 307200 bytes"):
        fetch(server.url, tmp_path, WHAT, SHA256)
    assert (tmp_path / "corpus.tar.gz.part").read_bytes() == CONTENT[:5000]


def test_a_wrong_checksum_leaves_nothing_behind(tmp_path, serve):
    with pytest.raises(UserError, match="instead of 00"):
        fetch(serve().url, tmp_path, WHAT, "00")
    assert [p.name for p in tmp_path.iterdir() if p.suffix != ".lock"] == []


@pytest.mark.parametrize("absent", [True, False], ids=["the server lacks the file", "there is no server"])
def test_what_cannot_be_downloaded_is_named_with_a_way_out(tmp_path, serve, absent):
    url = serve().url.replace("corpus", "absent") if absent else "http://127.0.0.1:1/corpus.tar.gz"
    with pytest.raises(UserError) as error:
        fetch(url, tmp_path, WHAT, SHA256)
    assert all(piece in str(error.value) for piece in (WHAT, url, "dataset.root=FOLDER"))


def archive_of(*members: tarfile.TarInfo) -> bytes:
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for member in members:
                member.size = 5 if member.isreg() else 0
                tar.addfile(member, io.BytesIO(b"audio"))
        return buffer.getvalue()


GOOD = archive_of(tarfile.TarInfo("corpus/a.wav"))


def test_an_archive_is_downloaded_unpacked_and_deleted_once(tmp_path, serve):
    server = serve(content=GOOD)
    for _ in range(2):
        folder = obtain(server.url, tmp_path / "cache" / "mine", WHAT, hashlib.sha256(GOOD).hexdigest())
        assert (folder / "corpus" / "a.wav").read_bytes() == b"audio"
    assert len(server.ranges) == 1
    assert sorted(p.name for p in (tmp_path / "cache").iterdir() if p.suffix != ".lock") == ["mine"]


@pytest.mark.parametrize("depth", ["", "corpus", "mine/corpus"], ids=["itself", "one below", "two below"])
def test_a_corpus_is_found_in_the_folder_named(tmp_path, depth):
    (tmp_path / depth / "etc").mkdir(parents=True)
    (tmp_path / depth / "etc" / "list").touch()
    assert locate(tmp_path, "etc/list", "the corpus") == tmp_path / depth


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        pytest.param(["root/wav", "root/doc"], "looked for etc there .* found doc, wav", id="other layout"),
        pytest.param(["root"], "found nothing", id="empty folder"),
        pytest.param(["root/a/etc", "root/b/etc"], "more than once: pass one of a, b", id="two corpora"),
        pytest.param([], "is not a folder", id="no folder"),
    ],
)
def test_a_corpus_that_is_not_there_is_told_apart(tmp_path, folders, message):
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    with pytest.raises(UserError, match=message):
        locate(tmp_path / "root", "etc", "the corpus")

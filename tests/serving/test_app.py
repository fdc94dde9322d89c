"""The server from a client's side; the model is one that hears how loud each 40 ms are."""

from __future__ import annotations

import io
import itertools
import json
import re
import shutil
import subprocess
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from prometheus_client import generate_latest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from asrx.decoding.ctc import CTCDecoder
from asrx.recognition.engines import Engine
from asrx.recognition.recognizer import Recognizer
from asrx.serving.app import Limits, Server
from asrx.serving.figures import Figures
from asrx.serving.rate import Rate
from asrx.types import UserError
from asrx.watching.profile import profile_of
from asrx.watching.quantities import quantities

RATE, FRAME = 8000, 320
LEVELS = {"_": 0.0, "a": 0.2, "b": 0.5, " ": 0.9}


class Loudness(Engine):
    """Writes a for a low level, b for a higher one, and a space for the highest."""

    sample_rate, frame, decoder = RATE, FRAME / RATE, CTCDecoder("ab ")

    def __init__(self):
        self.sizes, self.begun, self.gate = [], threading.Event(), threading.Event()
        self.gate.set()

    def __call__(self, wave_BT, lengths_B):
        self.begun.set()
        assert self.gate.wait(10)
        self.sizes.append(len(wave_BT))
        t = wave_BT.shape[1] // FRAME
        level_BT = wave_BT[:, : t * FRAME].reshape(len(wave_BT), t, FRAME).mean(2)
        levels = torch.tensor([LEVELS[c] for c in "ab _"])
        return (-100 * (level_BT[:, :, None] - levels).abs()).log_softmax(2), lengths_B // FRAME


def wave(path: str) -> np.ndarray:
    return np.repeat(np.array([LEVELS[character] for character in path], "float32"), FRAME)


def sound(path: str, kind: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, wave(path), RATE, format=kind)
    return file.getvalue()


LIMITS = Limits(megabytes=0.1, seconds=4.0, waiting=3, streams=2, silence=0.5, message=1.0)


@pytest.fixture
def server():
    return Server(Recognizer(Loudness()), "loudness", LIMITS, None)


@pytest.fixture
def client(server):
    with TestClient(server.app(), raise_server_exceptions=False) as client:
        yield client


def post(client, content=None, **fields):
    files = {} if content is None else {"file": ("hello.wav", content)}
    return client.post("/v1/audio/transcriptions", files=files, data={"model": "loudness"} | fields)


def test_every_format(client):
    content = sound("_aab_ _b_")
    assert post(client, content).json() == {"text": "ab b"}
    assert post(client, sound("_b_", "FLAC")).json() == {"text": "b"}
    assert post(client, content, response_format="text").text == "ab b\n"
    assert post(client, content, response_format="srt").text.startswith("1\n00:00:00,040 --> ")
    assert post(client, content, response_format="vtt").text.startswith("WEBVTT")
    whole = post(client, content, response_format="verbose_json").json()
    assert (whole["text"], whole["duration"]) == ("ab b", pytest.approx(0.36))
    assert [(word["word"], word["start"]) for word in whole["words"]] == [("ab", 0.04), ("b", 0.28)]
    assert whole["segments"][0]["confidence"] == pytest.approx(1, abs=0.01)
    assert client.get("/v1/models").json()["data"][0]["id"] == "loudness"
    assert client.get("/health").json() == {"status": "ok", "model": "loudness"}
    metrics = client.get("/metrics", follow_redirects=False).text
    assert 'asrx_requests_total{route="/v1/audio/transcriptions",status="200"} 6.0' in metrics
    assert "asrx_latency_seconds_count 6.0" in metrics and "asrx_queue 0.0" in metrics


def test_what_is_refused_says_why(client, server, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    for content, fields, status, told in [
        (None, {}, 400, "There is no file"),
        (b"no sound", {}, 400, "The file is no sound that can be read"),
        (b"", {}, 400, "The file is no sound"),
        (sound("a"), {"response_format": "doc"}, 400, "response_format=doc is none of json"),
        (sound("a" * 110), {}, 413, "lasts 4 s, more than 4"),
        (bytes(200_000), {}, 413, "larger than 0.1 MB"),
    ]:
        answer = post(client, content, **fields)
        assert (answer.status_code, told in answer.json()["error"]["message"]) == (status, True), answer.text
        assert str(tmp_path) not in answer.text
    chunked = client.post(
        "/v1/audio/transcriptions",
        content=(bytes(10_000) for _ in range(50)),
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert chunked.status_code in (400, 413)
    assert client.post("/v1/audio/transcriptions", content=b"{}").status_code == 400
    assert client.get("/nothing").status_code == 404
    assert not list(tmp_path.iterdir()), "a file is left"
    assert post(client, sound("_a_")).json() == {"text": "a"}


def test_a_flac_that_does_not_state_its_length_is_read_to_its_end(client):
    content = bytearray(sound("aba", "FLAC"))
    content[21] &= 0xF0  # the count of samples, 36 bits in STREAMINFO, as encoders that write to a pipe leave it
    content[22:26] = bytes(4)
    assert post(client, bytes(content)).json() == post(client, sound("aba", "FLAC")).json()


def test_a_token_is_asked_for():
    server = Server(Recognizer(Loudness()), "loudness", LIMITS, "secret")
    with TestClient(server.app()) as client:
        assert post(client, sound("_a_")).status_code == 401
        assert client.get("/v1/models").status_code == 401
        assert client.get("/health").status_code == 200
        client.headers["authorization"] = "Bearer secret"
        assert post(client, sound("_a_")).json() == {"text": "a"}
    with TestClient(server.app()) as client, pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws") as ws:
        assert "token" in ws.receive_json()["message"]
        ws.receive_json()


def test_many_at_once_are_answered_together_and_too_many_are_sent_away(client, server):
    engine = server.recognizer.engine
    engine.gate.clear()
    with ThreadPoolExecutor(24) as pool:
        first = pool.submit(post, client, sound("_a_"))
        assert engine.begun.wait(10)
        others = {pool.submit(post, client, sound(f"_{text}_" + "_" * 20)): text for text in ["a", "b", "ab", "ba"] * 5}
        # three may wait while the first is answered; nobody else is let in before the gate opens
        away = [future.result() for future in itertools.islice(as_completed(others), len(others) - LIMITS.waiting)]
        engine.gate.set()
    assert all(answer.status_code == 503 and answer.headers["retry-after"] == "1" for answer in away)
    answers = [(text, future.result()) for future, text in others.items() if future.result() not in away]
    assert [answer.json() for _, answer in answers] == [{"text": text} for text, _ in answers]
    assert len(answers) == LIMITS.waiting and first.result().json() == {"text": "a"}
    assert engine.sizes == [1, LIMITS.waiting]


def test_an_error_of_the_model_is_one_request_s(client, server, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Loudness, "__call__", lambda *_: 1 / 0)
        assert post(client, sound("_a_")).status_code == 500
    assert post(client, sound("_a_")).json() == {"text": "a"}


class Loud:
    """In place of the detector of speech."""

    def __init__(self, rate):
        self.left = np.zeros(0, "int16")

    def __call__(self, wave_T, last=False):
        samples = np.concatenate([self.left, wave_T])
        n = len(samples) // 256
        self.left = samples[n * 256 :]
        return (np.abs(samples[: n * 256].reshape(n, 256)).max(1, initial=0) > 300).astype(float)


def test_a_stream(client, server, monkeypatch):
    monkeypatch.setattr("asrx.recognition.streaming.SpeechDetector", Loud)
    samples = (wave("_" * 10 + "aaabbb   bbb" + "_" * 40 + "aaa" + "_" * 3) * 32767).astype("<i2")
    with client.websocket_connect("/ws") as ws:
        ws.send_text(json.dumps({"signal": "start", "nbest": 1, "continuous_decoding": True}))
        assert ws.receive_json() == {"status": "ok", "type": "server_ready"}
        for part in np.array_split(samples, 30):
            ws.send_bytes(part.tobytes())
        ws.send_text(json.dumps({"signal": "end"}))
        found = []
        while (message := ws.receive_json())["type"] != "speech_end":
            found.append((message["type"], json.loads(message["nbest"])[0]))
    final = [best for kind, best in found if kind == "final_result"]
    # a frame may hold the end of it and silence
    assert [best["sentence"].strip()[:4] for best in final] == ["ab b", "a"]
    assert [piece["word"][:2] for piece in final[0]["word_pieces"]] == ["ab", "ba"]
    assert final[0]["word_pieces"][0]["start"] == pytest.approx(400, abs=40)
    assert any(kind == "partial_result" for kind, _ in found)
    assert server.open == 0


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        (["garbage"], "Send {"),
        (["[" * 100_000], "Send {"),
        ([b"\0\0"], "Send {"),
        (['{"signal": "end"}'], "Send {"),
        (['{"signal": "start"}', b"\0"], "16-bit samples"),
        (['{"signal": "start"}', bytes(40_000)], "at most 1 s"),
        (['{"signal": "start"}'], "Nothing came for 0.5 s"),
    ],
)
def test_a_stream_that_is_none_ends_with_a_sentence(client, server, messages, told):
    with client.websocket_connect("/ws") as ws:
        for message in messages:
            (ws.send_bytes if isinstance(message, bytes) else ws.send_text)(message)
        answers = [ws.receive_json() for _ in range(1 + ('{"signal": "start"}' in messages))]
    assert told in answers[-1]["message"]
    assert server.open == 0


def test_streams_are_bounded_and_a_client_that_dies_frees_its_own(client, server):
    with client.websocket_connect("/ws") as one, client.websocket_connect("/ws") as two:
        for ws in (one, two):
            ws.send_text('{"signal": "start"}')
            ws.receive_json()
        with client.websocket_connect("/ws") as third:
            assert "2 streams are open already" in third.receive_json()["message"]
        one.close()
        two.send_text('{"signal": "end"}')
        assert two.receive_json()["type"] == "speech_end"
    assert server.open == 0


@pytest.fixture
def address(server):
    """Of a server that really listens."""
    import uvicorn

    settings = uvicorn.Config(server.app(), "127.0.0.1", 0, log_level="warning")
    listening, running = settings.bind_socket(), uvicorn.Server(settings)
    thread = threading.Thread(target=running.run, args=([listening],))
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    running.should_exit = True
    thread.join(10)
    assert not thread.is_alive() and not server.batcher.is_alive(), "it does not end"


def test_openai_s_client(address):
    openai = pytest.importorskip("openai")
    client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
    assert [model.id for model in client.models.list()] == ["loudness"]
    content = ("hello.wav", sound("_ab_ _b_"))
    assert client.audio.transcriptions.create(model="loudness", file=content).text == "ab b"
    whole = client.audio.transcriptions.create(
        model="loudness", file=content, response_format="verbose_json", timestamp_granularities=["word"]
    )
    assert [word.word for word in whole.words] == ["ab", "b"]
    assert client.audio.transcriptions.create(model="loudness", file=content, response_format="srt").startswith("1\n")
    with pytest.raises(openai.BadRequestError, match="no sound that can be read"):
        client.audio.transcriptions.create(model="loudness", file=("x.wav", b"no sound"))


class Tones(Loudness):
    """Hears tones instead, as no microphone keeps a level that does not change."""

    def __call__(self, wave_BT, lengths_B):
        level_BT = (2 * wave_BT.unfold(1, FRAME, FRAME).square().mean(2)).sqrt()
        return super().__call__(level_BT.repeat_interleave(FRAME, 1), lengths_B)


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """A page in headless Chromium, whose microphone plays a file once; it is driven as its developer tools are."""

    def __init__(self, process, url):
        from websockets.sync.client import connect

        debugger = next(re.search(r"ws://[^/]+/", line)[0] for line in process.stderr if "ws://" in line)
        with urllib.request.urlopen(debugger.replace("ws", "http", 1) + "json") as answer:
            page = next(found for found in json.load(answer) if found["url"].startswith(url))
        self.socket = connect(page["webSocketDebuggerUrl"])

    def __call__(self, script):
        call = {"id": 1, "method": "Runtime.evaluate", "params": {"expression": script, "returnByValue": True}}
        self.socket.send(json.dumps(call))
        return json.loads(self.socket.recv())["result"]["result"].get("value")

    def until(self, script, seconds=20):
        end = time.monotonic() + seconds
        while not (found := self(script)):
            assert time.monotonic() < end, (script, self("document.body.innerText"))
            time.sleep(0.1)
        return found


@pytest.fixture
def browser(address, tmp_path):
    """Opens the page, with a file for the microphone: heard, address's end -> Browser."""
    processes = []

    def opened(heard, behind=""):
        flags = ["--headless=new", "--no-sandbox", "--use-fake-device-for-media-stream"]
        flags += ["--use-fake-ui-for-media-stream"]
        flags += [f"--use-file-for-fake-audio-capture={heard}%noloop", f"--user-data-dir={tmp_path}/profile"]
        flags += ["--autoplay-policy=no-user-gesture-required", "--remote-debugging-port=0"]
        processes.append(subprocess.Popen([CHROMIUM, *flags, address + behind], stderr=subprocess.PIPE, text=True))
        return Browser(processes[0], address)

    yield opened
    for process in processes:
        process.kill()
        process.communicate()


def test_a_client_that_asks_too_often_is_told_when_to_come_back():
    server = Server(Recognizer(Loudness()), "loudness", replace(LIMITS, rate=2), None)
    with TestClient(server.app()) as client:
        assert [post(client, sound("aa")).status_code for _ in range(3)] == [200, 200, 429]
        refused = post(client, sound("aa"))
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert "More than 2 requests in a minute" in refused.json()["error"]["message"]
        with client.websocket_connect("/ws") as stream:
            assert stream.receive_json()["message"].startswith("More than 2 requests")
        assert client.get("/health").status_code == 200


def test_a_minute_later_a_client_may_ask_again_and_is_forgotten():
    rate = Rate(2)
    assert [rate.wait("a", now) for now in (0.0, 1.0, 2.0)] == [0, 0, 58]
    assert rate.wait("b", 3.0) == 0
    assert rate.wait("a", 60.5) == 0
    assert rate.wait("a", 60.6) == pytest.approx(0.4)
    assert rate.wait("c", 200.0) == 0 and list(rate.asked) == ["c"]


def test_energy_is_told_where_the_machine_counts_it(tmp_path, monkeypatch):
    (tmp_path / "intel-rapl:0").mkdir()
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("2500000\n")
    monkeypatch.setattr("asrx.profiling.energy.COUNTERS", tmp_path)
    assert generate_latest(Figures().registry).decode().count("asrx_energy_joules 2.5") == 1


@pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed: apt-get install chromium")
def test_the_page_writes_what_the_microphone_hears(server, browser, tmp_path, monkeypatch):
    monkeypatch.setattr("asrx.recognition.streaming.SpeechDetector", Loud)
    server.recognizer.engine, server.token = Tones(), "the secret"
    server.limits = replace(LIMITS, silence=10.0)  # a busy machine's browser is no other client
    level_T = wave("_" * 30 + "aaaaaaaaaa" + "_" * 5 + "aaaaaaaaaa" + "_" * 60 + "aaaaaaaaaa" + "_" * 50).repeat(6)
    tone_T = level_T * np.sin(2 * np.pi * 500 / 48000 * np.arange(len(level_T)))
    soundfile.write(tmp_path / "heard.wav", tone_T, 48000)
    page = browser(tmp_path / "heard.wav", "/#the%20secret")
    assert page.until("document.getElementById('model').textContent") == "loudness"
    page("document.getElementById('speak').click()")
    page.until("[...document.querySelectorAll('#text p:not(#partial)')].length == 2")
    page("document.getElementById('speak').click()")
    page.until("document.getElementById('speak').textContent == 'Speak'")
    words = page("[...document.querySelectorAll('#text span')].map(word => word.textContent + '|' + word.title)")
    assert [word.split("|")[0] for word in words] == ["aa", "a"]
    assert all(re.fullmatch(r"\w+\|\d+ %, [\d.]+ to [\d.]+ s", word) for word in words)
    assert page("document.querySelector('canvas').getContext('2d').getImageData(0, 0, 900, 160).data.includes(120)")
    page("location.hash = 'wrong'; location.reload()")
    page.until("document.getElementById('told')?.textContent.includes('#TOKEN')")


def test_what_is_heard_is_compared_window_by_window(caplog):
    def profile(gain: float, n: int):
        row = quantities((wave("_aab_ _b_") * 32767 * gain).astype("int16"), RATE, "ab b", 1.0)
        return profile_of([""] * n, [None] * n, [row + 0.01 * (i - n / 2) for i in range(n)])

    with pytest.raises(UserError, match="--watch 1 should be from 2 to 10000"):
        Server(Recognizer(Loudness()), "loudness", LIMITS, None, (profile(1.0, 40), 1))
    for gain, told in ((1.0, False), (0.1, True)):
        server = Server(Recognizer(Loudness()), "loudness", LIMITS, None, (profile(gain, 40), 4))
        caplog.clear()
        with TestClient(server.app()) as client:
            for _ in range(3):
                assert post(client, sound("_aab_ _b_")).json() == {"text": "ab b"}
            assert (
                "asrx_watch_p{" not in client.get("/metrics", follow_redirects=False).text
                and len(server.watch.rows) == 3
            )
            for _ in range(2):
                post(client, sound("_aab_ _b_"))
            metrics = client.get("/metrics", follow_redirects=False).text
        assert len(server.watch.rows) == 1, "what is compared is forgotten"
        level = {
            name: float(re.search(rf'asrx_watch_{name}{{quantity="level"}} (\S+)', metrics)[1])
            for name in ("p", "median", "reference")
        }
        assert (level["p"] <= 0.01, round(level["median"] - level["reference"]) == 20) == (told, told)
        assert ("The last 4 recordings are not what the model was tested on: louder (level" in caplog.text) == told

"""The HTTP and WebSocket interface: OpenAI's transcriptions, and streams with the messages of WeNet."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import math
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from asrx.recognition.answers import Transcript, Word
from asrx.recognition.formats import srt, vtt
from asrx.recognition.recognizer import Recognizer
from asrx.recognition.sources import Recording, read
from asrx.recognition.streaming import Heard, Stream, stream
from asrx.serving.batcher import Batcher, Full
from asrx.serving.figures import Figures
from asrx.serving.rate import Rate
from asrx.serving.watch import Watch
from asrx.sound.headers import UNKNOWN
from asrx.sound.recording import Recording as Sound
from asrx.sound.recording import Unusable
from asrx.types import UserError
from asrx.watching.profile import Profile

FORMATS = ("json", "text", "verbose_json", "srt", "vtt")
AGAIN = {"Retry-After": "1"}
GOING_AWAY, BAD, REFUSED, LATER = 1001, 1003, 1008, 1013  # of WebSocket, RFC 6455


@dataclass(frozen=True)
class Limits:
    """What one server takes: bytes and seconds of an upload, uploads that wait, streams at a time, seconds of a stream
    without a sound, seconds of sound in one message of it, and requests of a client in a minute, 0 for any number."""

    megabytes: float = 25.0
    seconds: float = 600.0
    waiting: int = 64
    streams: int = 64
    silence: float = 60.0
    message: float = 10.0
    rate: int = 0


class Server:
    """What the routes share.

    Args:
        recognizer: of a trained model.
        name: of the model, as clients are told.
        limits: see `Limits`.
        token: that clients must send; None lets everybody in.
        reference: what uploads are compared with, and how many at a time; None compares nothing.

    Raises:
        UserError: so few or so many uploads cannot be compared.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        name: str,
        limits: Limits,
        token: str | None,
        reference: tuple[Profile, int] | None = None,
    ):
        self.recognizer, self.name, self.limits, self.token = recognizer, name, limits, token
        self.figures, self.open = Figures(), 0
        self.watch = Watch(*reference, recognizer.sample_rate, self.figures) if reference else None
        self.batcher, self.rate = Batcher(recognizer, limits.waiting), Rate(limits.rate)
        self.figures.queue.set_function(self.batcher.count)
        self.figures.streams.set_function(lambda: self.open)
        self.begun = int(time.time())

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/", self.page),
                Route("/v1/audio/transcriptions", self.transcriptions, methods=["POST"]),
                Route("/v1/models", self.models),
                Route("/health", self.health),
                WebSocketRoute("/ws", self.speech),
                Route("/metrics", self.metrics),
            ],
            exception_handlers={HTTPException: self._refused},
            lifespan=self._life,
        )

    @contextlib.asynccontextmanager
    async def _life(self, app: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(self.batcher.close)

    async def _refused(self, request: Request, error: HTTPException) -> Response:
        kind = "server_error" if error.status_code >= 500 else "invalid_request_error"
        body = {"error": {"message": error.detail, "type": kind, "param": None, "code": None}}
        self.figures.requests.labels(request.url.path, error.status_code).inc()
        return JSONResponse(body, error.status_code, error.headers)

    async def page(self, request: Request) -> Response:
        """A page to speak into."""
        return FileResponse(Path(__file__).with_name("page.html"))

    async def health(self, request: Request) -> Response:
        """Whether it answers."""
        alive = self.batcher.is_alive()
        return JSONResponse({"status": "ok" if alive else "stopped", "model": self.name}, 200 if alive else 503)

    async def metrics(self, request: Request) -> Response:
        """GET /metrics, as Prometheus reads it."""
        self._authorized(request.headers.get("authorization", ""))
        return Response(generate_latest(self.figures.registry), media_type=CONTENT_TYPE_LATEST)

    async def models(self, request: Request) -> Response:
        """GET /v1/models; the rate in Hz is what a stream must have."""
        self._authorized(request.headers.get("authorization", ""))
        model = {"id": self.name, "object": "model", "created": self.begun, "owned_by": "asrx"}
        model["sample_rate"] = self.recognizer.sample_rate
        return JSONResponse({"object": "list", "data": [model]})

    async def transcriptions(self, request: Request) -> Response:
        """POST /v1/audio/transcriptions, as OpenAI's clients send it."""
        start = time.perf_counter()
        self._authorized(request.headers.get("authorization", ""))
        self._not_too_often(request.client.host if request.client else "")
        file, form = await self._upload(request)
        try:
            recording, transcript = await self._recognised(file)
        finally:
            file.unlink(missing_ok=True)
        taken = time.perf_counter() - start
        self.figures.latency.observe(taken)
        self.figures.factor.observe(taken / max(transcript.duration, 1e-3))
        self.figures.sound.inc(transcript.duration)
        self.figures.confidence.observe(transcript.confidence)
        self.figures.requests.labels(request.url.path, 200).inc()
        response = _written(transcript, form)
        if self.watch:  # once it is sent
            response.background = BackgroundTask(self.watch.heard, recording.wave_T, transcript)
        return response

    async def _upload(self, request: Request) -> tuple[Path, str]:
        """A temporary file with what was uploaded, and the format that is asked for."""
        most = self.limits.megabytes * 1e6
        too_large = HTTPException(413, f"The upload is larger than {self.limits.megabytes:g} MB: send a shorter part.")
        if int(request.headers.get("content-length") or 0) > most:
            raise too_large
        received, receive = 0, request.receive

        async def counted() -> Any:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise too_large
            return message

        request._receive = counted
        try:
            async with request.form(max_files=1) as form:
                return await self._kept(form.get("file"), str(form.get("response_format", "json")))
        except ClientDisconnect:
            raise HTTPException(400, "The upload was broken off.") from None
        except (ValueError, AssertionError) as error:
            raise HTTPException(400, f"The request is no form ({error}): send multipart/form-data.") from error

    async def _kept(self, upload: UploadFile | str | None, wanted: str) -> tuple[Path, str]:
        if wanted not in FORMATS:
            raise HTTPException(400, f"response_format={wanted} is none of {', '.join(FORMATS)}.")
        if not isinstance(upload, UploadFile):
            raise HTTPException(400, "There is no file: send the recording in the field file.")
        suffix = Path(upload.filename or "").suffix[-8:]
        try:
            with tempfile.NamedTemporaryFile(prefix="asrx-", suffix=suffix, delete=False) as file:
                while part := await upload.read(1 << 20):
                    file.write(part)
        except OSError as error:
            raise HTTPException(507, f"The upload cannot be kept ({error.strerror}).", AGAIN) from error
        return Path(file.name), wanted

    async def _recognised(self, file: Path) -> tuple[Recording, Transcript]:
        import soundfile

        try:
            seconds = await run_in_threadpool(_seconds, file)
            if seconds > self.limits.seconds:
                raise HTTPException(
                    413, f"The recording lasts {seconds:.0f} s, more than {self.limits.seconds:g}: send a shorter part."
                )
            recording = await run_in_threadpool(read, file, self.recognizer.sample_rate)
            answer = self.batcher.submit(recording._replace(name=""))
        except (UserError, Unusable, soundfile.SoundFileError) as error:
            told = str(error).replace(str(file), "the recording")
            raise HTTPException(400, f"The file is no sound that can be read ({told.rstrip('.')}).") from error
        except Full:
            raise HTTPException(503, f"{self.limits.waiting} recordings wait already: try again.", AGAIN) from None
        return recording, await asyncio.wrap_future(answer)

    def _authorized(self, header: str) -> None:
        if self.token and not hmac.compare_digest(header.encode(), f"Bearer {self.token}".encode()):
            raise HTTPException(401, "The token is missing or wrong: send Authorization: Bearer TOKEN.")

    def _not_too_often(self, client: str) -> None:
        if seconds := self.rate.wait(client):
            told = f"More than {self.limits.rate} requests in a minute: try again in {seconds:.0f} s."
            raise HTTPException(429, told, {"Retry-After": str(math.ceil(seconds))})

    async def speech(self, socket: WebSocket) -> None:
        """A stream: {"signal": "start"}, int16 at the model's rate in binary messages, {"signal": "end"}; answered by
        server_ready, partial_result, final_result and speech_end."""
        await socket.accept()
        try:
            # browsers send no header of ours with a WebSocket
            sent = socket.query_params.get("token")
            self._authorized(f"Bearer {sent}" if sent else socket.headers.get("authorization", ""))
            self._not_too_often(socket.client.host if socket.client else "")
        except HTTPException as error:
            await _closed(socket, LATER if error.status_code == 429 else REFUSED, error.detail)
            return
        if self.open >= self.limits.streams:
            await _closed(socket, LATER, f"{self.limits.streams} streams are open already: try again.")
            return
        self.open += 1
        try:
            await self._listened(socket)
        except WebSocketDisconnect:
            pass  # nobody is there to be told
        finally:
            self.open -= 1

    async def _listened(self, socket: WebSocket) -> None:
        listening: Stream | None = None
        while True:
            try:
                message = await asyncio.wait_for(socket.receive(), self.limits.silence)
            except TimeoutError:
                await _closed(socket, GOING_AWAY, f"Nothing came for {self.limits.silence:g} s.")
                return
            if message["type"] == "websocket.disconnect":
                return
            sound, text = message.get("bytes"), message.get("text")
            if sound is not None and listening is not None:
                if len(sound) % 2 or len(sound) > 2 * self.limits.message * self.recognizer.sample_rate:
                    await _closed(
                        socket, BAD, f"A message is 16-bit samples, at most {self.limits.message:g} s of them."
                    )
                    return
                for heard in await run_in_threadpool(listening.accept, np.frombuffer(sound, "<i2")):
                    await socket.send_json(_message(heard))
                continue
            signal = _signal(text)
            if signal == "start" and listening is None:
                listening = await run_in_threadpool(stream, self.recognizer)
                await socket.send_json({"status": "ok", "type": "server_ready"})
            elif signal == "end" and listening is not None:
                for heard in await run_in_threadpool(listening.finish):
                    await socket.send_json(_message(heard))
                await socket.send_json({"status": "ok", "type": "speech_end"})
                await socket.close()
                return
            else:
                await _closed(socket, BAD, 'Send {"signal": "start"}, 16-bit samples, and {"signal": "end"}.')
                return


async def _closed(socket: WebSocket, code: int, why: str) -> None:
    await socket.send_json({"status": "failed", "message": why})
    await socket.close(code, why[:120])


def _seconds(file: Path) -> float:
    """How long a recording lasts, counted where its header does not say it, as of a FLAC from a pipe."""
    import soundfile

    told = soundfile.info(str(file))
    if told.frames < UNKNOWN:
        return told.duration
    with Sound(file) as sound:
        return sound.seconds


def _signal(text: str | None) -> str | None:
    try:
        return json.loads(text or "")["signal"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _message(heard: Heard) -> dict[str, Any]:
    pieces = [
        {
            "word": word.text,
            "start": round(1000 * word.start),
            "end": round(1000 * word.end),
            "confidence": round(word.confidence, 4),
        }
        for word in heard.words
    ]
    best = [{"sentence": heard.text} | ({"word_pieces": pieces} if heard.final else {})]
    return {
        "status": "ok",
        "type": "final_result" if heard.final else "partial_result",
        "nbest": json.dumps(best, ensure_ascii=False),  # a text in itself, as WeNet has it
    }


def _written(transcript: Transcript, form: str) -> Response:
    if form in ("text", "srt", "vtt"):
        return PlainTextResponse({"text": lambda t: f"{t.text}\n", "srt": srt, "vtt": vtt}[form](transcript))
    if form == "json":
        return JSONResponse({"text": transcript.text})
    segments = [
        {"id": i, "start": piece.start, "end": piece.end, "text": piece.text, "confidence": piece.confidence}
        for i, piece in enumerate(transcript.pieces)
    ]
    return JSONResponse(
        {
            "task": "transcribe",
            "language": "",
            "duration": transcript.duration,
            "text": transcript.text,
            "confidence": transcript.confidence,
            "segments": segments,
            "words": [_word(word) for word in transcript.words],
        }
    )


def _word(word: Word) -> dict[str, Any]:
    return {"word": word.text, "start": word.start, "end": word.end, "confidence": word.confidence}

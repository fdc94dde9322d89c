"""Sound that is not over yet."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from asrx.recognition import live
from asrx.types import UserError

RATE = 8000
NOISE = (np.random.default_rng(0).standard_normal((4000, 2)) * 3000).astype("int16")


def wav(samples, **more) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", **more)
    return file.getvalue()


def test_a_file_is_followed_while_it_grows(tmp_path):
    content, path = wav(NOISE), tmp_path / "talk.wav"
    lies = content[:4] + bytes(4) + content[8:40] + bytes(4) + content[44:]  # no sizes yet, as while it is written
    path.write_bytes(lies[:30])

    def write() -> None:
        with path.open("ab") as file:
            for start in range(30, len(lies), 701):  # cut anywhere
                time.sleep(0.01)
                file.write(lies[start : start + 701])
                file.flush()

    writer = threading.Thread(target=write)
    writer.start()
    parts = list(live.growing(path, RATE, 0.1, patience=0.5))
    writer.join()
    assert np.array_equal(np.concatenate(parts), NOISE.mean(1).round().astype("int16"))
    assert max(map(len, parts)) <= 800 and len(parts) > 4
    slower = np.concatenate(list(live.growing(path, RATE // 2, 0.1, patience=0.1)))
    assert len(slower) == len(NOISE) // 2


@pytest.mark.parametrize(
    "content",
    [b"", b"RIFF", b"no sound at all", wav(NOISE)[:40], wav(NOISE, subtype="FLOAT"), wav(NOISE)[:12] + bytes(90)],
)
def test_what_is_no_such_file_is_told(tmp_path, content):
    (tmp_path / "x.wav").write_bytes(content)
    with pytest.raises(UserError, match=r"x.wav is no WAV of 16 bits that is being written"):
        list(live.growing(tmp_path / "x.wav", RATE, 0.1, patience=0.1))
    with pytest.raises(UserError, match=r"nothing: No such file"):
        list(live.growing(tmp_path / "nothing", RATE, 0.1, patience=0.1))


class Device:
    """In place of PortAudio's."""

    def __init__(self, **settings):
        assert settings == {"samplerate": RATE, "channels": 1, "dtype": "int16", "blocksize": 800}
        self.left = NOISE[:, 0].tobytes()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def read(self, n):
        part, self.left = self.left[: 2 * n], self.left[2 * n :]
        if not part:
            os.kill(os.getpid(), signal.SIGINT)
        return part, False


def test_the_microphone_until_ctrl_c(monkeypatch):
    error = type("PortAudioError", (Exception,), {})
    monkeypatch.setitem(sys.modules, "sounddevice", SimpleNamespace(RawInputStream=Device, PortAudioError=error))
    before = signal.getsignal(signal.SIGINT)
    heard = list(live.until_interrupted(live.microphone(RATE, 0.1)))
    assert np.array_equal(np.concatenate(heard), NOISE[:, 0])
    assert signal.getsignal(signal.SIGINT) is before

    def fail(**_):
        raise error("no device")

    monkeypatch.setattr(sys.modules["sounddevice"], "RawInputStream", fail)
    with pytest.raises(UserError, match=r"cannot be heard \(no device\): connect one"):
        next(live.microphone(RATE, 0.1))
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(UserError, match=r"install asrx\[microphone\]"):
        next(live.microphone(RATE, 0.1))


def test_ctrl_c_while_something_is_computed_ends_after_it():
    chunks = live.until_interrupted(iter([NOISE, NOISE, NOISE]))
    next(chunks)
    os.kill(os.getpid(), signal.SIGINT)  # would end the command, were it not for this
    assert next(chunks, None) is None


def test_standard_input_is_cut_anywhere(monkeypatch):
    class Pipe:
        left = NOISE[:, 0].tobytes()

        def read1(self, n):
            part, self.left = self.left[:333], self.left[333:]
            return part

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Pipe()))
    assert np.array_equal(np.concatenate(list(live.standard_input(RATE, 0.1, RATE))), NOISE[:, 0])

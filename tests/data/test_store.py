from __future__ import annotations

import dataclasses
import os
import pickle
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from asrx.data import store as module
from asrx.data.audio import Audio
from asrx.data.store import build
from asrx.types import UserError, Utterance

RATE = 16000


def write(path: Path, seconds: float = 0.5, rate: int = RATE, channels: int = 1, seed: int = 0, **how) -> Path:
    """A file of pink-ish noise: every sample differs from its neighbours, so a shift by one shows."""
    wave = np.cumsum(np.random.default_rng(seed).normal(0, 0.02, (round(seconds * rate), channels)), axis=0)
    soundfile.write(path, np.tanh(wave - wave.mean(axis=0)) if len(wave) else wave, rate, **how)
    return path


def utterance(path: Path, **more) -> Utterance:
    return Utterance(path.stem, str(path), "some text", **more)


def corpus(folder: Path, count: int) -> list[Utterance]:
    folder.mkdir(exist_ok=True)
    return [utterance(write(folder / f"{i:03d}.wav", 0.1 + i / 100, 8000, seed=i)) for i in range(count)]


def direct(u: Utterance, rate: int = RATE) -> np.ndarray:
    """The plainest way to the same int16 samples."""
    wave, source = soundfile.read(u.audio, dtype="float32", always_2d=True)
    start = round(u.offset * source)
    end = None if u.duration is None else start + round(u.duration * source)
    wave = wave[start:end].mean(axis=1)
    if source != rate:
        wave = soxr.resample(wave, source, rate, "HQ")
    return np.clip(np.rint(wave * 32768), -32768, 32767).astype(np.int16)


def samples(store: module.Store, i: int) -> np.ndarray:
    wave, lengths = store.gather(np.array([i]))
    assert wave.shape == (1, lengths[0])
    return (wave[0] * 32768).astype(np.int16)


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture
def only_finding(monkeypatch):
    """Call it, and from then on a store can be found but not made: a shared cache may well be read-only."""

    def refuse(*_):
        raise AssertionError("the store was not found")

    def begin():
        monkeypatch.setattr(module, "_decode", refuse)
        monkeypatch.setattr("filelock.FileLock", refuse)

    return begin


@pytest.mark.parametrize(
    "name, make, piece",
    [
        pytest.param("a.wav", {}, {}, id="mono wav at the store's rate"),
        pytest.param("a.flac", {}, {}, id="flac"),
        pytest.param("a.wav", {"rate": 8000}, {}, id="resampled up from 8 kHz"),
        pytest.param("a.wav", {"rate": 44100, "channels": 2}, {}, id="stereo resampled down from 44.1 kHz"),
        pytest.param("a.flac", {"channels": 2, "subtype": "PCM_24"}, {}, id="stereo flac of 24 bits"),
        pytest.param("a.wav", {"subtype": "FLOAT"}, {}, id="float wav"),
        pytest.param("a.wav", {}, {"offset": 0.1, "duration": 0.2}, id="piece from the middle"),
        pytest.param("a.flac", {"rate": 44100}, {"offset": 0.1, "duration": 0.2}, id="piece of a flac, resampled"),
        pytest.param("a.wav", {}, {"offset": 0.3}, id="piece to the end"),
        pytest.param("a.wav", {}, {"duration": 0.25}, id="piece from the start"),
        pytest.param("a.wav", {}, {"offset": 0.3, "duration": 0.24}, id="piece 40 ms longer than the file"),
    ],
)
def test_equals_a_direct_decode(tmp_path, name, make, piece):
    u = utterance(write(tmp_path / name, **make), **piece)
    store = build([u], Audio(RATE), tmp_path / "cache")
    assert store.errors == {}
    np.testing.assert_array_equal(samples(store, 0), direct(u))
    assert store.seconds(0) == pytest.approx(len(direct(u)) / RATE)


def test_sixteen_bits_at_the_right_rate_are_kept_exactly(tmp_path):
    ramp = np.arange(-32768, 32768, 3, dtype=np.int16)
    soundfile.write(tmp_path / "ramp.wav", ramp, RATE)
    store = build([utterance(tmp_path / "ramp.wav")], Audio(RATE), tmp_path / "cache")
    np.testing.assert_array_equal(samples(store, 0), ramp)


def test_overshoot_is_clipped_and_does_not_wrap(tmp_path):
    square = np.where(np.arange(8000) // 20 % 2, 1.0, -1.0)
    soundfile.write(tmp_path / "square.wav", square, 8000, subtype="FLOAT")
    assert np.abs(soxr.resample(square, 8000, RATE)).max() > 1.05
    wave, _ = build([utterance(tmp_path / "square.wav")], Audio(RATE), tmp_path / "cache").gather(np.array([0]))
    high = np.repeat(square > 0, 2)[: wave.shape[1]]
    inside = (np.arange(len(high)) % 40 > 8) & (np.arange(len(high)) % 40 < 32)
    assert wave[0][high & inside].min() > 0.7 and wave[0][~high & inside].max() < -0.7
    assert wave.max() < 1 and wave.min() == -1


def test_pieces_come_back_in_the_order_of_the_manifest(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD", 3)
    long, other = write(tmp_path / "b.wav", 2.0, seed=1), write(tmp_path / "a.wav", 1.0, seed=2)
    pieces = [
        utterance(long, offset=1.5, duration=0.2),
        utterance(other),
        utterance(long, offset=0.25, duration=0.5),
        utterance(other, offset=0.5),
        utterance(long, offset=0.0, duration=0.25),
        utterance(long, offset=1.5, duration=0.2),
        utterance(long),
    ]
    store = build(pieces, Audio(RATE), tmp_path / "cache")
    assert len(store) == len(pieces)
    for i, piece in enumerate(pieces):
        np.testing.assert_array_equal(samples(store, i), direct(piece), err_msg=str(i))


def test_real_recordings_equal_a_direct_decode(tmp_path, real_data):
    paths = sorted((real_data / "fsdd").rglob("*.wav"))[::200] + sorted((real_data / "an4").rglob("*.flac"))[::200]
    utterances = [utterance(path) for path in paths]
    assert utterances
    store = build(utterances, Audio(RATE), tmp_path)
    for i, u in enumerate(utterances):
        np.testing.assert_array_equal(samples(store, i), direct(u))


def _replace(utterances: list[Utterance]) -> None:
    path = Path(utterances[0].audio)
    before = path.stat()
    write(path, 0.1, 8000, seed=99)
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def _change(**what):
    return lambda us: [dataclasses.replace(us[0], **what), *us[1:]]


@pytest.mark.parametrize(
    "change, rate",
    [
        pytest.param(lambda us: us, 8000, id="another rate"),
        pytest.param(lambda us: _replace(us) or us, RATE, id="a file replaced by one of the same size"),
        pytest.param(lambda us: os.remove(us[0].audio) or us, RATE, id="a file removed"),
        pytest.param(_change(offset=0.02), RATE, id="another offset"),
        pytest.param(_change(duration=0.05), RATE, id="another duration"),
        pytest.param(lambda us: us[:-1], RATE, id="an utterance less"),
        pytest.param(lambda us: us[::-1], RATE, id="another order"),
    ],
)
def test_another_store(tmp_path, change, rate):
    utterances = corpus(tmp_path / "corpus", 3)
    before = build(utterances, Audio(RATE), tmp_path)
    after = build(change(utterances), Audio(rate), tmp_path)
    assert after.roots != before.roots
    assert after.fingerprint != before.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda us: us, id="nothing changed"),
        pytest.param(_change(text="another text", id="x", speaker="y", split="test"), id="another text and speaker"),
        pytest.param(
            lambda us: [dataclasses.replace(u, audio=os.path.relpath(u.audio)) for u in us], id="paths from here"
        ),
    ],
)
def test_same_store(tmp_path, monkeypatch, only_finding, capsys, change):
    utterances = corpus(tmp_path / "corpus", 3)
    monkeypatch.chdir(tmp_path)
    before = build(utterances, Audio(RATE), tmp_path)
    assert "Decoding to 16 kHz" in capsys.readouterr().err
    only_finding()
    after = build(change(utterances), Audio(RATE), tmp_path)
    assert after.roots == before.roots
    assert capsys.readouterr().err == ""


def test_fingerprint_knows_the_audio_but_not_its_place(tmp_path):
    here = corpus(tmp_path / "here", 3)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    there = [dataclasses.replace(u, audio=u.audio.replace("here", "there")) for u in here]
    first, second = build(here, Audio(RATE), tmp_path), build(there, Audio(RATE), tmp_path)
    assert first.roots != second.roots
    assert first.fingerprint == second.fingerprint


def test_a_recording_is_the_same_in_every_format_and_at_every_rate(tmp_path):
    wave = soundfile.read(write(tmp_path / "a.wav", 0.3, 8000))[0]
    soundfile.write(tmp_path / "b.FLAC", wave, 8000)
    soundfile.write(tmp_path / "c.wav", wave, 8000, subtype="FLOAT")
    soundfile.write(tmp_path / "d.wav", np.stack([wave, wave], 1), 8000)
    soundfile.write(tmp_path / "long.wav", np.concatenate([np.zeros(800), wave]), 8000)
    names = ["a.wav", "b.FLAC", "c.wav", "d.wav"]
    utterances = [*(utterance(tmp_path / name) for name in names), utterance(tmp_path / "long.wav", offset=0.1)]
    utterances.append(utterance(write(tmp_path / "other.wav", 0.3, 8000, seed=1)))
    stores = [build(utterances, Audio(rate), tmp_path) for rate in (8000, RATE)]
    first, *same, other = stores[0].sources.tolist()
    assert {*same} == {first} != {other}
    assert stores[1].sources.tolist() == stores[0].sources.tolist()
    assert not {*stores[1].hashes.tolist()} & {*stores[0].hashes.tolist()}


def _bad(folder: Path, name: str) -> Utterance:
    path = folder / f"{name}.wav"
    match name:
        case "folder":
            path.mkdir()
        case "text":
            path.write_text("this is no audio\n" * 99)
        case "zero bytes":
            path.touch()
        case "no samples":
            write(path, 0)
        case "one sample at 96 kHz":
            soundfile.write(path, [0.5], 96000)
        case "nan" | "inf":
            wave = np.zeros(999)
            wave[500] = float(name)
            soundfile.write(path, wave, RATE, subtype="FLOAT")
        case "half a flac" | "half an mp3" | "half a wav" | "half an aiff" | "half an au" | "half a sph":
            suffix = name.split()[-1]
            path = write(folder / f"a.{suffix}", 3, format="NIST" if suffix == "sph" else None)
            os.truncate(path, path.stat().st_size // 2)
        case "half a gsm wav":
            path = write(path, 3, 8000, subtype="GSM610")
            os.truncate(path, path.stat().st_size // 2)
        case "ogg without its last page" | "opus without its last page":
            path = write(
                folder / f"a.{name.split()[0]}", 3, format="OGG", subtype=name.split()[0].replace("ogg", "vorbis")
            )
            os.truncate(path, path.read_bytes().rindex(b"OggS"))
        case "ogg without its first page of sound":
            path = write(folder / "a.ogg", 3)
            pages = path.read_bytes().split(b"OggS")
            path.write_bytes(b"OggS".join(pages[:3] + pages[4:]))
        case "ogg with a changed byte":
            path = write(folder / "a.ogg", 3)
            path.write_bytes(path.read_bytes()[:-300] + b"?" + path.read_bytes()[-299:])
        case "float of another scale":
            soundfile.write(path, 30000 * np.sin(np.arange(999)), RATE, subtype="FLOAT")
        case "channels of opposite phase":
            wave = np.sin(np.arange(999))
            soundfile.write(path, np.stack([wave, -wave], 1), RATE)
        case "rate of 7 Hz":
            path.write_bytes(write(path).read_bytes().replace(RATE.to_bytes(4, "little"), (7).to_bytes(4, "little"), 1))
        case "headerless":
            path = folder / "a.raw"
            path.write_bytes(bytes(999))
        case "missing":
            pass
        case _:
            write(path)
    pieces = {
        "offset past the end": {"offset": 7.2},
        "offset at the end": {"offset": 0.5},
        "duration past the end": {"offset": 0.1, "duration": 0.46},
        "negative offset": {"offset": -0.1},
        "negative duration": {"duration": -0.1},
        "no duration": {"duration": 0.0},
        "offset is no number": {"offset": float("nan")},
    }
    return utterance(path, **pieces.get(name, {}))


@pytest.mark.parametrize(
    "name, says",
    [
        ("missing", "cannot be read: No such file or directory"),
        ("folder", "cannot be read: Is a directory"),
        ("text", "cannot be read: Format not recognised"),
        ("zero bytes", "cannot be read: Format not recognised"),
        ("headerless", "cannot be read: "),
        ("half a flac", "cannot be read: "),
        ("half an mp3", "cannot be read: breaks off 1."),
        ("half a wav", "cannot be read: breaks off 1.49931 s into 3 s"),
        ("half an aiff", "cannot be read: breaks off 1."),
        ("half an au", "cannot be read: breaks off 1."),
        ("half a sph", "cannot be read: breaks off 1.484 s into 3 s"),
        ("half a gsm wav", "cannot be read: breaks off 1."),
        ("ogg without its last page", "cannot be read: breaks off: its last page is missing"),
        ("opus without its last page", "cannot be read: breaks off: its last page is missing"),
        ("ogg without its first page of sound", "cannot be read: lacks pages"),
        ("ogg with a changed byte", "cannot be read: breaks off or is damaged"),
        ("float of another scale", "holds samples of up to 29999.7, where full scale is 1"),
        ("channels of opposite phase", "its channels cancel each other"),
        ("rate of 7 Hz", "cannot be read: its header says 7 Hz"),
        ("no samples", "holds no samples"),
        ("one sample at 96 kHz", "holds no samples"),
        ("no duration", "holds no samples"),
        ("nan", "holds samples that are not finite numbers"),
        ("inf", "holds samples that are not finite numbers"),
        ("offset past the end", "offset 7.2 s lies past the end (0.5 s)"),
        ("offset at the end", "offset 0.5 s lies past the end (0.5 s)"),
        ("duration past the end", "offset 0.1 s and duration 0.46 s run past the end (0.5 s)"),
        ("negative offset", "offset -0.1 s and duration None s must not be negative"),
        ("negative duration", "offset 0 s and duration -0.1 s must not be negative"),
        ("offset is no number", "cannot be read: "),
    ],
)
def test_bad_audio_is_named_and_hurts_nobody_else(tmp_path, name, says):
    good = corpus(tmp_path / "good", 2)
    bad = _bad(tmp_path, name)
    store = build([good[0], bad, good[1]], Audio(RATE), tmp_path / "cache")
    assert list(store.errors) == [1]
    assert store.errors[1].startswith(says) and store.errors[1] != "cannot be read: "
    assert store.lengths[1] == 0
    np.testing.assert_array_equal(samples(store, 0), direct(good[0]))
    np.testing.assert_array_equal(samples(store, 2), direct(good[1]))


def _unstated(folder: Path, name: str) -> Path:
    """A file whose header does not say how long it is, as programs write them into a pipe."""
    path = write(folder / name, 3, 8000)
    header = bytearray(path.read_bytes())
    if name.endswith("flac"):
        header[21] &= 0xF0  # the number of samples, 36 bits
        header[22:26] = bytes(4)
    else:
        header[40:44] = 0xFFFFFFFF.to_bytes(4, "little")
    path.write_bytes(header)
    return path


def _gsm(folder: Path, name: str) -> Path:
    return write(folder / name, 3, 8000, subtype="GSM610")


@pytest.mark.parametrize(
    "make, name",
    [
        pytest.param(_unstated, "a.flac", id="flac of unknown length"),
        pytest.param(_unstated, "a.wav", id="wav of unknown length"),
        pytest.param(_gsm, "a.wav", id="gsm in wav"),
    ],
)
def test_what_can_only_be_read_front_to_back_is_read_whole_and_in_pieces(tmp_path, make, name):
    path = make(tmp_path, name)
    pieces = [
        {},
        {"offset": 2.5},
        {"offset": 1.0, "duration": 0.5},
        {"offset": 1.2, "duration": 0.1},
        {"duration": 0.2},
    ]
    store = build([utterance(path, **piece) for piece in pieces], Audio(8000), tmp_path / "cache")
    assert store.errors == {}
    whole = samples(store, 0)
    assert 24000 <= len(whole) <= 24320  # GSM fills up its last block
    for i, piece in enumerate(pieces):
        start = round(piece.get("offset", 0) * 8000)
        count = round(piece["duration"] * 8000) if "duration" in piece else len(whole) - start
        np.testing.assert_array_equal(samples(store, i), whole[start : start + count])
    far = build([utterance(path, offset=3.5)], Audio(8000), tmp_path / "cache")
    assert far.errors[0].startswith("offset 3.5 s lies past the end (3")


def test_one_bad_piece_of_a_file_leaves_its_other_pieces(tmp_path):
    path = write(tmp_path / "a.wav", 1.0)
    pieces = [utterance(path, offset=0.2, duration=0.3), utterance(path, offset=9.0), utterance(path, offset=0.5)]
    store = build(pieces, Audio(RATE), tmp_path)
    assert list(store.errors) == [1]
    for i in (0, 2):
        np.testing.assert_array_equal(samples(store, i), direct(pieces[i]))


def test_silence_is_not_bad(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(800), RATE)
    store = build([utterance(tmp_path / "a.wav")], Audio(RATE), tmp_path)
    assert store.errors == {} and store.lengths.tolist() == [800]


def test_a_store_of_bad_audio_alone_opens(tmp_path):
    store = build([utterance(tmp_path / "none.wav")] * 2, Audio(RATE), tmp_path)
    assert list(store.errors) == [0, 1]
    wave, lengths = store.gather(np.array([0, 1]))
    assert wave.shape == (2, 0) and lengths.tolist() == [0, 0]


def test_a_file_that_appears_later_is_read(tmp_path):
    late = utterance(tmp_path / "late.wav")
    assert build([late], Audio(RATE), tmp_path).errors
    write(tmp_path / "late.wav")
    assert not build([late], Audio(RATE), tmp_path).errors


@pytest.mark.parametrize(
    "index",
    [
        pytest.param([0], id="one"),
        pytest.param([4, 0, 2], id="longest first"),
        pytest.param([1, 3, 1], id="one twice"),
        pytest.param([], id="none"),
    ],
)
def test_gather_pads_with_zeros(tmp_path, monkeypatch, index):
    utterances = corpus(tmp_path / "corpus", 5)
    store = build(utterances, Audio(RATE), tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(np, "empty", lambda shape, dtype: np.full(shape, np.nan, dtype))  # no zeros by luck
        wave, lengths = store.gather(np.array(index, np.int64))
    expected = [direct(utterances[i]).astype(np.float32) / 32768 for i in index]
    assert wave.dtype == np.float32 and lengths.dtype == np.int64 and wave.flags.writeable
    assert lengths.tolist() == [len(e) for e in expected]
    assert wave.shape == (len(index), max(map(len, expected), default=0))
    for row, e in zip(wave, expected, strict=True):
        np.testing.assert_array_equal(row, np.pad(e, (0, len(row) - len(e))))


def test_pickles_as_its_path(tmp_path):
    store = build(corpus(tmp_path / "corpus", 20), Audio(RATE), tmp_path)
    pickled = pickle.dumps(store)
    assert len(pickled) < 600
    again = pickle.loads(pickled)
    assert again.fingerprint == store.fingerprint
    np.testing.assert_array_equal(again.gather(np.arange(20))[0], store.gather(np.arange(20))[0])


def test_no_utterances(tmp_path):
    with pytest.raises(UserError, match="no utterances"):
        build([], Audio(RATE), tmp_path)


def test_a_cache_that_cannot_be_written(tmp_path):
    utterances = corpus(tmp_path / "corpus", 1)
    with pytest.raises(UserError, match="cannot be written"):
        build(utterances, Audio(RATE), Path(utterances[0].audio))


def test_a_full_disk_is_told_and_the_build_resumes(tmp_path, monkeypatch):
    utterances = corpus(tmp_path / "corpus", 6)

    def full(_):
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch, pytest.raises(UserError, match="No space left on device"):
        patch.setattr(module, "_sync", full)
        build(utterances, Audio(RATE), tmp_path)
    assert build(utterances, Audio(RATE), tmp_path).errors == {}


# Builds slowly, and says so piece by piece, once so many processes are ready.
CHILD = textwrap.dedent(
    """
    import os, sys, time
    from pathlib import Path
    from asrx.data import audio, store
    from asrx.data.audio import Audio
    from asrx.types import Utterance

    folder, cache, processes = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    utterances = [Utterance(p.stem, str(p), "") for p in sorted(folder.glob("*.wav"))]
    store.SHARD = 3
    piece = audio._piece

    def slow_piece(*what):
        time.sleep(0.05)
        os.write(1, b"piece ")
        return piece(*what)

    audio._piece = slow_piece
    (cache / f"ready-{os.getpid()}").touch()
    while len(list(cache.glob("ready-*"))) < processes:
        time.sleep(0.01)
    print(store.build(utterances, Audio(16000), cache).fingerprint)
    """
)


def child(*args: object) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", CHILD, *map(str, args)], stdout=subprocess.PIPE, text=True)


def test_killed_and_resumed_gives_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD", 3)
    utterances = corpus(tmp_path / "corpus", 30)
    whole = build(utterances, Audio(RATE), tmp_path / "whole")
    cache = tmp_path / "killed"
    cache.mkdir()
    with child(tmp_path / "corpus", cache, 1) as process:
        while not list(cache.rglob("shards/*.npz")):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    kept = [path.stem for path in cache.rglob("shards/*.npz")]
    assert 1 <= len(kept) < 10
    decoded = []
    monkeypatch.setattr(
        module, "_decode_shard", lambda name, *a, f=module._decode_shard: decoded.append(name) or f(name, *a)
    )
    resumed = build(utterances, Audio(RATE), cache)
    assert len(decoded) == 10 - len(kept) and not {path.name for path in decoded} & set(kept)
    assert files(resumed.roots[0]) == files(whole.roots[0])
    assert sorted(files(resumed.roots[0])) == ["index.npz", "waves.i16"]


def test_two_processes_build_it_once(tmp_path):
    corpus(tmp_path / "corpus", 12)
    both = [child(tmp_path / "corpus", tmp_path, 2) for _ in range(2)]
    out = [process.communicate(timeout=60)[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(lines.count("piece") for lines in out) == [0, 12]
    assert out[0][-1] == out[1][-1]


# Kills itself before each step of a build in turn: every file system call under the cache, every decode, every flush,
# and half way through every copy and index. Each time a second process ends the build. Prints the number of moments.
EVERY_MOMENT = textwrap.dedent(
    """
    import itertools, os, shutil, signal, sys
    from pathlib import Path
    from asrx.data import audio, store
    from asrx.data.audio import Audio
    from asrx.types import Utterance
    import filelock, numpy as np, soundfile, soxr, tqdm  # once, before the forks

    folder, cache, whole = map(Path, sys.argv[1:])
    utterances = [Utterance(p.stem, str(p), "") for p in sorted(folder.glob("*.wav"))]
    store.SHARD, store.THREADS = 2, 1

    def in_a_process(work):
        pid = os.fork()
        if not pid:
            try:
                work()
            except BaseException as error:
                print(repr(error), file=sys.stderr)
                os._exit(1)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def build():
        return store.build(utterances, Audio(16000), cache)

    def die_at(moment):
        left = itertools.count(moment, -1)

        def die(half=lambda: None):
            if next(left) == 0:
                half()
                os.kill(os.getpid(), signal.SIGKILL)

        def audit(event, args):
            if event in ("os.remove", "os.rmdir"):  # rmtree names its files from within their folder
                die()
            elif event in ("open", "os.mkdir", "os.rename") and str(cache) in str(args):
                die()

        def copy(source, target, *_, real=shutil.copyfileobj):
            die(lambda: (target.write(source.read(99)), target.flush()))
            real(source, target)

        def savez(file, *, real=np.savez, **arrays):
            die(lambda: (file.write(b"half"), file.flush()))
            real(file, **arrays)

        sync, piece = store._sync, audio._piece
        store._sync = lambda file: (die(), file.flush(), die(), sync(file))
        audio._piece = lambda *what: (die(), piece(*what))[1]
        shutil.copyfileobj, np.savez = copy, savez
        sys.addaudithook(audit)
        build()

    def files(root):
        return {p.name: p.read_bytes() for p in root.rglob("*") if p.is_file()}

    for moment in itertools.count():
        shutil.rmtree(cache, ignore_errors=True)
        code = in_a_process(lambda: die_at(moment))
        if code == 0:
            break
        assert code == -signal.SIGKILL, code
        assert in_a_process(build) == 0, f"moment {moment} cannot be resumed"
        stores = [p for p in cache.glob("stores/*") if p.is_dir()]
        assert len(stores) == 1 and files(stores[0]) == files(whole), f"moment {moment}: {stores}"
    print(moment)
    """
)


def test_killed_at_any_moment_gives_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD", 2)
    whole = build(corpus(tmp_path / "corpus", 3), Audio(RATE), tmp_path / "whole")
    result = subprocess.run(
        [sys.executable, "-c", EVERY_MOMENT, tmp_path / "corpus", tmp_path / "cache", whole.roots[0]],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert int(result.stdout) > 40

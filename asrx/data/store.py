"""The waveform store: every recording decoded, mixed to mono and resampled once, then read from a memory map.

A store is a folder of two files: `waves.i16`, all samples one after the other as little-endian int16, and `index.npz`,
where each utterance lies in it. Rounding to int16 adds noise 101 dB under full scale (none to a 16-bit source that is
already at the right rate); samples that overshoot full scale after resampling are clipped.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cached_property, partial
from pathlib import Path
from typing import IO

import numpy as np

from asrx.types import Decoded, Decoder, UserError, Utterance

FORMAT = 3  # part of every key: raise it when the same audio would make other bytes, or when SHARD changes
SHARD = 128  # utterances; the most work an interruption loses per thread
# Threads, since soundfile and soxr let the GIL go, and a spawned process would import the caller again. The Python
# around them holds it for about 0.15 ms a recording, a third of the work on the shortest: more threads would queue.
THREADS = min(os.cpu_count() or 1, 16)
NONE = np.empty(0, np.int16)


def build(utterances: Sequence[Utterance], decoder: Decoder, cache: Path) -> Store:
    """Find the store of these utterances under `cache/stores`, or make it there, in parallel, with a progress bar.

    The store's key covers the path, size and modification time of each file, the offsets and durations, the order of
    the utterances and the decoder's settings, but not the texts. A build that was interrupted goes on where it stopped;
    of two processes that build the same store the second waits. Audio that cannot be used does not raise: see
    `Store.errors`.

    Args:
        utterances: of any split; a relative `audio` is relative to the working folder.
        decoder: makes samples of the files.
        cache: folder that holds the stores made so far.

    Raises:
        UserError: there are no utterances, or the store cannot be written.
    """
    if not utterances:
        raise UserError(
            "The corpus has no utterances, so there is no audio to read: check dataset.root and its filters."
        )
    here = os.getcwd()
    paths = [os.path.join(here, utterance.audio) for utterance in utterances]
    root = Path(cache) / "stores" / _key(paths, utterances, decoder)
    if not root.exists():
        from filelock import FileLock

        try:
            root.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{root}.lock"):
                if not root.exists():  # else another process made it while this one waited
                    _make(root, paths, utterances, decoder)
        except OSError as error:
            raise UserError(
                f"The waveform store {root} cannot be written ({error.strerror or error}): "
                "free some space, or choose another cache folder."
            ) from error
    return Store(root)


class Store:
    """Decoded waveforms, in the order of the utterances they were built from. Pickles as its paths and its order.

    Attributes:
        sample_rate: in Hz.
        lengths: int64 array, samples of each utterance; 0 for one that cannot be used.
        hashes: uint64 array, of the samples of each utterance as they lie here.
        sources: uint64 array, what each utterance is, whatever its name, path and format, and the rate of this store.
        errors: what is wrong, by the index of each utterance that cannot be used.

    Args:
        roots: the folders of one or more stores of one sample rate, as made by `build`; they follow one another.
        order: int array, places in all of them; None takes all as they are.
    """

    def __init__(self, *roots: Path, order: np.ndarray | None = None) -> None:
        self.roots = [Path(root) for root in roots]
        indices = [dict(np.load(root / "index.npz")) for root in self.roots]
        self.sample_rate = int(indices[0]["sample_rate"])
        starts = np.cumsum([0, *(len(index["lengths"]) for index in indices)])
        self._total, self._given = int(starts[-1]), order
        self._order = np.arange(self._total) if order is None else order
        self._parts = np.repeat(np.arange(len(indices)), np.diff(starts))[self._order]
        self.lengths, self._offsets, self.hashes, self.sources = (
            np.concatenate([index[name] for index in indices])[self._order]
            for name in ("lengths", "offsets", "hashes", "sources")
        )
        errors = {
            start + int(i): text
            for start, index in zip(starts.tolist(), indices, strict=False)
            for i, text in json.loads(index["errors"].tobytes()).items()
        }
        self.errors = {i: errors[place] for i, place in enumerate(self._order.tolist()) if place in errors}
        self._waves = [_map(root / "waves.i16") for root in self.roots]

    def __len__(self) -> int:
        return len(self.lengths)

    def __reduce__(self) -> tuple:
        return partial(Store, *self.roots, order=self._given), ()

    def take(self, places: np.ndarray, *others: Store) -> Store:
        """Some of the utterances of this store, and of others that follow it, in the order of the places."""
        stores = [self, *others]
        starts = np.cumsum([0, *(store._total for store in stores)])
        order = np.concatenate([start + store._order for start, store in zip(starts, stores, strict=False)])
        return Store(*(root for store in stores for root in store.roots), order=order[places])

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the waveforms in their order and of the rate; it knows no path or time, so machines agree on it.

        (Where recordings are resampled, two kinds of processor may round a sample differently, and then disagree.)
        """
        return hashlib.blake2b(self.hashes.tobytes() + str(self.sample_rate).encode(), digest_size=8).hexdigest()

    def seconds(self, i: int) -> float:
        """Duration of utterance `i` in seconds."""
        return float(self.lengths[i] / self.sample_rate)

    def gather(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Put utterances side by side.

        Args:
            index: int array of shape B, places in the store.

        Returns:
            `wave_BT`, float32 in [-1, 1], padded with zeros to the longest, and its int64 lengths in samples.
        """
        lengths = self.lengths[index]
        wave_BT = np.empty((len(lengths), lengths.max(initial=0)), np.float32)
        where = zip(self._parts[index].tolist(), self._offsets[index].tolist(), lengths.tolist(), strict=True)
        # A loop over utterances, as one np.take of a (B, T) index writes 8 bytes of address for each 2-byte sample and
        # is 4 to 6 times slower (tests/bench/bench_store.py).
        for wave_T, (part, start, length) in zip(wave_BT, where, strict=True):
            np.multiply(self._waves[part][start : start + length], np.float32(1 / 32768), out=wave_T[:length])
            wave_T[length:] = 0
        return wave_BT, lengths


def _map(waves: Path) -> np.ndarray:
    # a plain view: slicing a np.memmap makes a memmap each time; and an empty file cannot be mapped
    return np.memmap(waves, "<i2", "r").view(np.ndarray) if waves.stat().st_size else NONE


def _key(paths: list[str], utterances: Sequence[Utterance], decoder: Decoder) -> str:
    key = hashlib.blake2b(f"{FORMAT} {decoder.key}".encode(), digest_size=8)
    stamps = {path: _stamp(path) for path in set(paths)}
    for path, utterance in zip(paths, utterances, strict=True):
        key.update(os.fsencode(f"\0{path}\0{stamps[path]} {utterance.offset!r} {utterance.duration!r}"))
    return key.hexdigest()


def _stamp(path: str) -> str:
    # a file without permission to read counts as missing: chmod alone changes no time, yet must make a new store
    if not os.access(path, os.R_OK):
        return "missing"
    status = os.stat(path)
    return f"{status.st_size} {status.st_mtime_ns}"


def _make(root: Path, paths: list[str], utterances: Sequence[Utterance], decoder: Decoder) -> None:
    """Fill `root.partial` and rename it. Each step leaves its result whole under its name, or not at all."""
    work = root.with_suffix(".partial")
    shards = work / "shards"
    if not (work / "index.npz").exists():
        shards.mkdir(parents=True, exist_ok=True)
        # by file: the pieces of one recording are then read through one open file, front to back
        order = sorted(range(len(paths)), key=lambda i: (paths[i], utterances[i].offset))
        parts = [(shards / f"{start:09d}", order[start : start + SHARD]) for start in range(0, len(order), SHARD)]
        _decode_all(parts, paths, utterances, decoder)
        _join(work, parts, decoder.sample_rate)
    shutil.rmtree(shards, ignore_errors=True)
    work.rename(root)


def _decode_all(
    parts: list[tuple[Path, list[int]]], paths: list[str], utterances: Sequence[Utterance], decoder: Decoder
) -> None:
    from tqdm import tqdm

    missing = [part for part in parts if not part[0].with_suffix(".npz").exists()]
    bar = tqdm(
        desc=decoder.progress,
        unit="utt",
        total=len(paths),
        initial=len(paths) - sum(len(indices) for _, indices in missing),
    )
    pool = ThreadPoolExecutor(THREADS)
    with bar:
        try:
            for done in as_completed(
                [
                    pool.submit(_decode_shard, name, [(paths[i], utterances[i]) for i in indices], decoder)
                    for name, indices in missing
                ]
            ):
                bar.update(done.result())
        finally:
            pool.shutdown(cancel_futures=True)


def _decode_shard(name: Path, pieces: list[tuple[str, Utterance]], decoder: Decoder) -> int:
    lengths, hashes, sources, errors = [], [], [], []

    def write(file: IO[bytes]) -> None:
        for samples, source, error in _decode(pieces, decoder):
            file.write(samples)
            lengths.append(len(samples))
            hashes.append(digest(samples))
            sources.append(source)
            errors.append(error)

    publish(name.with_suffix(".i16"), write)
    # the index comes last: where it stands the samples stand too
    publish_index(
        name.with_suffix(".npz"),
        lengths=np.array(lengths),
        hashes=np.frombuffer(b"".join(hashes), "<u8"),
        sources=np.frombuffer(b"".join(sources), "<u8"),
        errors=pack(errors),
    )
    return len(pieces)


def _join(work: Path, parts: list[tuple[Path, list[int]]], sample_rate: int) -> None:
    order = np.concatenate([indices for _, indices in parts])
    lengths, errors = np.empty(len(order), np.int64), {}
    hashes, sources = np.empty(len(order), "<u8"), np.empty(len(order), "<u8")
    end = 0
    with open(work / "waves.i16", "ab") as waves:
        for name, indices in parts:
            with np.load(name.with_suffix(".npz")) as index:
                lengths[indices], hashes[indices] = index["lengths"], index["hashes"]
                sources[indices] = index["sources"]
                texts = json.loads(index["errors"].tobytes())
            errors |= {i: text for i, text in zip(indices, texts, strict=True) if text}
            samples = name.with_suffix(".i16")
            if samples.exists():  # else a killed build had joined it: it goes once its copy is safe, to save disk space
                waves.truncate(2 * end)
                with open(samples, "rb") as source:
                    shutil.copyfileobj(source, waves, 1 << 20)
                _sync(waves)
                samples.unlink()
            end += int(lengths[indices].sum())
    offsets = np.empty_like(lengths)
    offsets[order] = np.cumsum(lengths[order]) - lengths[order]
    publish_index(
        work / "index.npz",
        sample_rate=np.array(sample_rate),
        offsets=offsets,
        lengths=lengths,
        hashes=hashes,
        sources=sources,
        errors=pack(errors),
    )


def digest(*parts: bytes | np.ndarray) -> bytes:
    """Eight bytes that name samples; in parts, they are named as in one."""
    seen = hashlib.blake2b(digest_size=8)
    for part in parts:
        seen.update(part)
    return seen.digest()


def pack(value: object) -> np.ndarray:
    return np.frombuffer(json.dumps(value, sort_keys=True).encode(), np.uint8)


def publish_index(path: Path, **arrays: np.ndarray) -> None:
    publish(path, lambda file: np.savez(file, **arrays))


def publish(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    temporary = path.with_suffix(".tmp")
    with open(temporary, "wb") as file:
        write(file)
        _sync(file)
    temporary.rename(path)


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())  # against a power cut; a kill alone loses nothing that was flushed


def _decode(pieces: list[tuple[str, Utterance]], decoder: Decoder) -> Iterator[Decoded]:
    """Pieces of one file share its opening."""
    for path, group in itertools.groupby(pieces, key=lambda piece: piece[0]):
        yield from decoder.decode(path, [utterance for _, utterance in group])

"""Augmentation done once, before training: copies of recordings, which lie in waveform stores as the recordings do.

`plan` says which copies there are, from names alone; `augmented` and `blended` compute their samples.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from asrx.augment import recordings
from asrx.data.store import Store, digest, pack, publish, publish_index
from asrx.types import UserError, Utterance

FORMAT = 2  # part of every key: raise it when an augmentation gives other samples for the same settings
BATCH = 8  # utterances that are augmented together

MIXTURE = -1  # the number of copies that two recordings were blended into


class Link(NamedTuple):
    """One augmentation of a chain, and where it stands in the config: like ones in two places draw differently."""

    place: str
    node: dict[str, Any] | None


@dataclass(frozen=True)
class Offline:
    """What `augment.offline` says.

    Args:
        stages: lists of alternatives, each a node of a wave augmentation or None; every combination of one alternative
            from each list makes a copy, and the combination of Nones is the recording itself.
        mixup: {alpha, draw} adds a copy of every recording that is blended with another one (Zhang et al. 2018,
            https://arxiv.org/abs/1710.09412); `draw` is `sample` (a weight for each) or `dataset` (one for all).
        share: of the recordings that each combination but the recordings themselves is made of, label by label
            (scikit-learn's `train_test_split`).
        bootstrap: whether the recordings are first drawn with replacement, as many as there are (Breiman's bagging).
        before_split: whether all this is done to the whole corpus but its test part, and the copies are split, as
            several published experiments do; otherwise it is done to the training part alone.
        seed: of all draws.
    """

    stages: Sequence[Sequence[dict[str, Any] | None]]
    mixup: dict[str, Any] | None
    share: float
    bootstrap: bool
    before_split: bool
    seed: int

    def chains(self) -> list[list[Link]]:
        """The augmentations of each combination, in their order; none for the recordings themselves."""
        numbered = [[Link(f"{i}.{j}", node) for j, node in enumerate(stage)] for i, stage in enumerate(self.stages)]
        return [[link for link in combination if link.node] for combination in product(*numbered)]


class Mixture(NamedTuple):
    """The ids of two recordings, and the weight of the first."""

    first: str
    second: str
    weight: float


def plan(utterances: Sequence[Utterance], offline: Offline) -> tuple[list[Utterance], dict[str, Mixture]]:
    """The copies of some utterances, in a seeded order, one combination after the other.

    `Utterance.copy` is 0 for a recording itself, n for the nth combination, and -1 for a mixture.

    Returns:
        the copies, and what the mixtures among them are made of, by id.

    Raises:
        UserError: a setting cannot be followed.
    """
    if not 0 < offline.share <= 1:
        raise UserError(f"augment.offline.share={offline.share} must be above 0 and at most 1.")
    for i, stage in enumerate(offline.stages):
        if isinstance(stage, str) or not isinstance(stage, Sequence) or not stage:
            raise UserError(
                f"augment.offline.stages.{i} must be a list of alternatives, such as [null, {{_target_: ...}}]."
            )
    if not isinstance(offline.seed, int) or offline.seed < 0:
        raise UserError(f"augment.offline.seed={offline.seed} should be a whole number from 0.")
    rng = np.random.default_rng(offline.seed)
    count = len(utterances)
    order = rng.integers(count, size=count) if offline.bootstrap else rng.permutation(count)
    recordings = [utterances[i] for i in order]
    copies = []
    for number, chain in enumerate(offline.chains(), start=1):
        members = _shared(recordings, offline) if chain else recordings
        copies += [replace(u, id=f"{u.id}#{number}", copy=number) if chain else u for u in members]
    if not offline.mixup:
        return copies, {}
    mixtures = {}
    weights, partners = _mixtures(rng, count, offline.mixup)
    for i, (own, partner, weight) in enumerate(zip(recordings, partners.tolist(), weights.tolist(), strict=True)):
        other = recordings[partner]
        name = f"{own.id}#mixture{i}"
        mixtures[name] = Mixture(own.id, other.id, weight)
        # the stronger one is what a mixture counts as where it is answered with one text
        strong, weak = (own, other) if weight >= 0.5 else (other, own)
        mixed = replace(own, id=name, copy=MIXTURE, text=strong.text, other=weak.text, share=max(weight, 1 - weight))
        copies.append(mixed)
    return copies, mixtures


def _shared(recordings: list[Utterance], offline: Offline) -> list[Utterance]:
    if offline.share == 1:
        return recordings
    from sklearn.model_selection import train_test_split

    labels = [u.text for u in recordings]
    try:
        return train_test_split(recordings, test_size=offline.share, stratify=labels, random_state=offline.seed)[1]
    except ValueError as error:
        raise UserError(f"augment.offline.share={offline.share}: {str(error).rstrip('.')}: change it.") from None


def _mixtures(rng: np.random.Generator, count: int, mixup: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(mixup, dict) or mixup.keys() != {"alpha", "draw"}:
        raise UserError(f"augment.offline.mixup={mixup} should be like {{alpha: 0.5, draw: sample}}.")
    alpha, draw = mixup["alpha"], mixup["draw"]
    if draw not in ("sample", "dataset"):
        raise UserError(f"augment.offline.mixup.draw={draw} is neither sample nor dataset.")
    if not alpha > 0:
        raise UserError(f"augment.offline.mixup.alpha={alpha} must be above 0, such as 0.5.")
    weights = rng.beta(alpha, alpha, size=count if draw == "sample" else 1)
    return np.broadcast_to(weights, count), rng.permutation(count)


def augmented(sources: Store, chain: Sequence[Link], seed: int, cache: Path) -> Store:
    """The store of the sources after a chain of wave augmentations; it is made where it does not exist yet.

    Each link makes a store of its own, which all chains that begin alike go on from.

    Raises:
        UserError: an augmentation cannot be made, or the store not be written.
    """
    for link in chain:
        sources = _after(sources, link, seed, cache)
    return sources


def _after(sources: Store, link: Link, seed: int, cache: Path) -> Store:
    key = json.dumps([link, seed], sort_keys=True)
    place = f"augment.offline.stages.{link.place}"
    try:
        heard = recordings.listing(link.node)
    except UserError as error:
        raise UserError(f"{place}: {error}") from None

    def work() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        import torch

        from asrx.augment import tried

        # before the module is made, as some draw then
        torch.manual_seed(int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest(), "little"))
        module = tried.on_waves(link.node, place, sources.sample_rate)
        with torch.no_grad():
            for places in _batches(sources.lengths):
                wave_BT, lengths_B = module(*map(torch.from_numpy, sources.gather(places)))
                yield places, wave_BT.numpy(), lengths_B.numpy()

    return _made(sources, sources.errors, f"{key} {heard}" if heard else key, work, cache)


def blended(first: Store, second: Store, weights: np.ndarray, cache: Path) -> Store:
    """The store of the first's utterances times the weights plus the second's times the rest."""
    errors = second.errors | first.errors
    lengths = np.maximum(first.lengths, second.lengths)
    lengths[list(errors)] = 0

    def work() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        for places in _batches(lengths):
            wave_BT = np.zeros((len(places), lengths[places].max()), np.float32)
            for store, weights_B in ((first, weights[places]), (second, 1 - weights[places])):
                own_BT, _ = store.gather(places)
                wave_BT[:, : own_BT.shape[1]] += weights_B[:, None].astype(np.float32) * own_BT
            yield places, wave_BT, lengths[places]

    return _made(first, errors, json.dumps([second.fingerprint, weights.tolist()]), work, cache)


def _made(sources: Store, errors: dict[int, str], key: str, work: Callable[[], Iterator[Any]], cache: Path) -> Store:
    """The store with this key under `cache/stores`; `work` gives places, waveforms and lengths, batch after batch."""
    name = hashlib.blake2b(f"{FORMAT} {sources.fingerprint} {key}".encode(), digest_size=8).hexdigest()
    root = Path(cache) / "stores" / name
    if not root.exists():
        from filelock import FileLock

        try:
            root.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{root}.lock"):
                if not root.exists():  # else another process made it while this one waited
                    _write(root, sources, errors, work())
        except OSError as error:
            raise UserError(
                f"The copies {root} cannot be written ({error.strerror or error}): "
                "free some space, or choose another cache folder with data_dir=..."
            ) from error
    return Store(root)


def _write(
    root: Path,
    sources: Store,
    errors: dict[int, str],
    batches: Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> None:
    work = root.with_suffix(".partial")
    work.mkdir(exist_ok=True)
    lengths, offsets = np.zeros(len(sources), np.int64), np.zeros(len(sources), np.int64)
    hashes = np.zeros(len(sources), "<u8")

    def write(file: IO[bytes]) -> None:
        for places, wave_BT, lengths_B in batches:
            pcm_BT = np.clip(np.rint(wave_BT * 32768), -32768, 32767).astype("<i2")
            for place, pcm_T, length in zip(places.tolist(), pcm_BT, lengths_B.tolist(), strict=True):
                samples = pcm_T[:length].tobytes()
                lengths[place], offsets[place] = length, file.tell() // 2
                hashes[place] = int.from_bytes(digest(samples), "little")
                file.write(samples)

    try:
        publish(work / "waves.i16", write)
    except UserError:  # nobody will ask for this store again
        shutil.rmtree(work)
        raise
    publish_index(
        work / "index.npz",
        sample_rate=np.array(sources.sample_rate),
        offsets=offsets,
        lengths=lengths,
        hashes=hashes,
        sources=hashes,  # `asrx.data.prepare` knows what each copy is made of
        errors=pack(errors),
    )
    work.rename(root)


def _batches(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """The places of everything that has samples, those of like length together, with a progress bar."""
    from tqdm import tqdm

    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    with tqdm(desc="Augmenting", unit="utt", total=len(order)) as bar:
        for start in range(0, len(order), BATCH):
            yield order[start : start + BATCH]
            bar.update(len(order[start : start + BATCH]))

"""From a corpus to batches: the Lightning DataModule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

from asrx.data.batching import BucketSampler
from asrx.data.drawing import DrawingSampler, Drawn
from asrx.data.mixing import Mixer, Mixing
from asrx.data.store import Store
from asrx.types import SPLITS, Batch, Targets, Utterance


class Waves(torch.utils.data.Dataset):
    """Waveforms and targets of one split, of mixtures where there is a mixer; an index is an array, and gives a whole
    `Batch`."""

    def __init__(
        self,
        store: Store,
        places: np.ndarray,
        utterances: Sequence[Utterance],
        encode: Callable[[str], list[int]],
        least: np.ndarray | None = None,
        mixer: Mixer | None = None,
    ):
        self.store, self.places, self.least, self.mixer = store, places, least, mixer
        self.targets = _Texts([encode(u.text) for u in utterances])
        self.mixed = any(u.other is not None for u in utterances)
        if self.mixed:
            self.others = _Texts([encode(u.text if u.other is None else u.other) for u in utterances])
            self.shares = torch.tensor([u.share for u in utterances])

    def __getitem__(self, index: np.ndarray) -> Batch:
        wave_BT, lengths_B, sources_BTS = self._mixed(index) if self.mixer else self._alone(index)
        return Batch(
            wave_BT,
            lengths_B,
            self.targets[index]._replace(sources_BTS=sources_BTS),
            torch.from_numpy(index),
            self.others[index] if self.mixed else None,
            self.shares[index] if self.mixed else None,
            None if self.least is None else torch.from_numpy(self.least[index]),
        )

    def _alone(self, index: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, None]:
        return *map(torch.from_numpy, self.store.gather(self.places[index])), None

    def _mixed(self, index: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        mixtures = [self.mixer(i) for i in index.tolist()]
        wave_BT, sources_BTS = (pad_sequence(list(parts), batch_first=True) for parts in zip(*mixtures, strict=True))
        return wave_BT, torch.tensor([len(mixture.wave_T) for mixture in mixtures]), sources_BTS


class _Texts:
    """Encoded texts, one after the other; an index is an array."""

    def __init__(self, texts: Sequence[list[int]]):
        self.lengths = np.array([len(ids) for ids in texts], np.int64)
        self.starts = self.lengths.cumsum() - self.lengths
        self.ids = np.array([*chain.from_iterable(texts), 0], np.int64)  # the last is for padding to point at

    def __getitem__(self, index: np.ndarray) -> Targets:
        lengths_B = self.lengths[index]
        place_U = np.arange(lengths_B.max(initial=0))
        inside_BU = place_U < lengths_B[:, None]
        ids_BU = np.where(inside_BU, self.ids[np.where(inside_BU, self.starts[index][:, None] + place_U, -1)], 0)
        return Targets(torch.from_numpy(ids_BU), torch.from_numpy(lengths_B))


class Loader(DataLoader):
    """A DataLoader that knows how far it is, and can go on from there."""

    def __iter__(self) -> Iterator[Batch]:
        if self.dataset.mixer:
            self.dataset.mixer.epoch = self.sampler.epoch
        try:
            for batch in super().__iter__():
                self.sampler.done += self.sampler.seed is not None  # only training goes on in mid-epoch
                yield batch
        finally:  # also when it is left before its end, as by trainer.limit_val_batches
            self.sampler.done = 0

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self.sampler.epoch, "done": self.sampler.done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.sampler.epoch, self.sampler.done = state["epoch"], state["done"]


class DataModule(pl.LightningDataModule):
    """Batches of a corpus that was split, decoded and checked.

    Args:
        utterances: of each split, with the place of each in the store.
        store: the waveforms.
        encode: text to target ids.
        batch_size, batch_seconds, buckets, replacement: see `BucketSampler`.
        workers: processes that assemble batches ahead; 0 does it in this one.
        seed: of the training order.
        least: samples that augmentation must leave, by place in the store; see `Batch.least_B`.
        drawn: what an epoch takes of the training part; none takes every utterance once.
        mixing: how utterances are mixed; None leaves them as they are.
    """

    def __init__(
        self,
        utterances: dict[str, list[tuple[int, Utterance]]],
        store: Store,
        encode: Callable[[str], list[int]],
        batch_size: int,
        batch_seconds: float,
        buckets: int,
        replacement: bool,
        workers: int,
        seed: int,
        least: Mapping[int, int] | None = None,
        drawn: Sequence[Drawn] = (),
        mixing: Mixing | None = None,
    ):
        super().__init__()
        self.utterances = {split: [utterance for _, utterance in utterances[split]] for split in SPLITS}
        self.places = {split: np.array([place for place, _ in utterances[split]], dtype=np.int64) for split in SPLITS}
        self.store, self.encode = store, encode
        self.batch_size, self.batch_seconds, self.buckets = batch_size, batch_seconds, buckets
        self.replacement, self.workers, self.seed = replacement, workers, seed
        self.least, self.drawn, self.mixing = least or {}, drawn, mixing
        self.training: Loader | None = None
        self.resumed: dict[str, int] | None = None

    # Lightning would keep the loader's state itself, but forgets to give it back once `estimated_stepping_batches`
    # was asked for.
    def state_dict(self) -> dict[str, Any]:
        return self.training.state_dict() if self.training else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.resumed = state

    def train_dataloader(self) -> Loader:
        self.training = self.loader("train", self.seed)
        if self.resumed:
            self.training.load_state_dict(self.resumed)
        return self.training

    def val_dataloader(self) -> Loader:
        return self.loader("val", None)

    def test_dataloader(self) -> Loader:
        return self.loader("test", None)

    def loader(self, split: str, seed: int | None) -> Loader:
        """Batches of one split; `seed` None goes through it by length."""
        places = self.places[split]
        least = np.array([self.least.get(place, 0) for place in places.tolist()], np.int64)
        lengths = self.store.lengths[places]
        drawing = bool(self.drawn) and seed is not None
        sampler = (DrawingSampler if drawing else BucketSampler)(
            *((lengths, self.drawn) if drawing else (lengths,)),
            self.batch_size,
            self.batch_seconds * self.store.sample_rate,
            self.buckets,
            seed,
            self.trainer.global_rank if self.trainer else 0,
            self.trainer.world_size if self.trainer else 1,
            self.replacement,
        )
        mixer = self.mixing and Mixer(self.mixing, self.store, places, self.utterances[split], split, seed)
        return Loader(
            Waves(self.store, places, self.utterances[split], self.encode, least if least.any() else None, mixer),
            sampler=sampler,
            batch_size=None,
            num_workers=self.workers,
            persistent_workers=self.workers > 0 and mixer is None,  # a mixer must know the epoch
            pin_memory=self.trainer is not None and self.trainer.strategy.root_device.type == "cuda",
        )

    def example(self, split: str) -> tuple[torch.Tensor, torch.Tensor]:
        """The first utterance of a split, (1, T), and its length in samples."""
        return self.loader(split, None).dataset[np.array([0])][:2]

    def recordings(self, split: str) -> list[tuple[int, float]]:
        """What each utterance of a split is, see `Store.sources`, and how many seconds long."""
        places = self.places[split]
        seconds = self.store.lengths[places] / self.store.sample_rate
        return list(zip(self.store.sources[places].tolist(), seconds.tolist(), strict=True))

    def seconds(self, split: str) -> float:
        """Seconds of speech in a split."""
        return float(self.store.lengths[self.places[split]].sum() / self.store.sample_rate)

"""Mixtures of speech, and of speech and noise, made where a batch is made."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from asrx.augment.arguments import interval
from asrx.augment.background_noise import BackgroundNoise
from asrx.data.store import Store
from asrx.types import SPLITS, UserError, Utterance


class Mixture(NamedTuple):
    """A waveform (T,) and the clean ones that it was mixed of, (T, S)."""

    wave_T: torch.Tensor
    sources_TS: torch.Tensor


class Mixing:
    """How utterances are mixed: with those of other speakers of the same part, and with noise.

    Each utterance is the first source of a mixture. The others begin with it, and a mixture is as long as the longest.
    While training, who speaks, how loud, and the noise are drawn anew in each epoch; validation and test have the same
    mixtures always, drawn by the utterance's id.

    Args:
        sample_rate: of the waves, in Hz.
        noises: folder of recordings of noise; None adds none.
        test_noises: that of the test part; None is the same one.
        snr_db: lowest and highest ratio of the power of all speech to the noise's, in dB.
        speakers: in each mixture.
        level_db: lowest and highest level of a further speaker, over that of the first, in dB.

    Raises:
        UserError: there is nothing to mix, or a folder of noises is missing or cannot be used.
    """

    def __init__(
        self,
        sample_rate: int,
        noises: str | None,
        test_noises: str | None = None,
        snr_db: tuple[float, float] = (-5.0, 15.0),
        speakers: int = 1,
        level_db: tuple[float, float] = (-3.0, 3.0),
    ):
        if speakers < 1:
            raise UserError(f"dataset.speakers={speakers} should be a whole number from 1.")
        if speakers == 1 and noises is None:
            raise UserError(
                "dataset=mixtures of one speaker without noise mixes nothing: name a folder of noises, "
                "dataset.noises=DIR, or say dataset.speakers=2."
            )
        if test_noises is not None and noises is None:
            raise UserError("dataset.test_noises needs noises to train with: name them too, dataset.noises=DIR.")
        self.speakers, self.low, self.high = speakers, *interval("dataset.level_db", level_db)
        self.noises: dict[str, BackgroundNoise] = {}
        if noises is not None:
            own, held_out = (
                _noise(key, folder, sample_rate, snr_db)
                for key, folder in (("noises", noises), ("test_noises", test_noises or noises))
            )
            self.noises = {"train": own, "val": own, "test": held_out}

    def check(self, utterances: Sequence[Utterance], splits: Sequence[str] = SPLITS) -> None:
        """Raise a UserError where one of these parts has too few speakers."""
        for split in splits:
            speakers = {u.speaker for u in utterances if u.split == split}
            if self.speakers > 1 and (len(speakers) < self.speakers or None in speakers):
                named = len(speakers - {None})
                raise UserError(
                    f"dataset.speakers={self.speakers} mixes different speakers, and the {split} part names "
                    f"{named}: take a corpus or a dataset/split with more, or dataset.speakers=1."
                )


class Mixer:
    """The mixtures of one part.

    Args:
        mixing: how they are made.
        store: the waveforms.
        places: of the part's utterances in it.
        utterances: the part's.
        split: which part it is.
        seed: of training; None is that of a part which is always the same.

    Attributes:
        epoch: of training.
    """

    def __init__(
        self,
        mixing: Mixing,
        store: Store,
        places: np.ndarray,
        utterances: Sequence[Utterance],
        split: str,
        seed: int | None,
    ):
        self.mixing, self.store, self.places, self.seed = mixing, store, places, seed
        self.ids = [u.id for u in utterances]
        self.noise, self.epoch = mixing.noises.get(split), 0
        self.speakers = [u.speaker for u in utterances]
        self.own: dict[str | None, list[int]] = defaultdict(list)
        for i, speaker in enumerate(self.speakers):
            self.own[speaker].append(i)

    def __call__(self, index: int) -> Mixture:
        """The mixture of one utterance of the part."""
        members, draw, noise_seed = self._drawn(index)
        waves = [torch.from_numpy(self.store.gather(self.places[[i]])[0][0]) for i in members]
        sources_TS = torch.zeros(max(map(len, waves)), len(waves))
        for i, wave_T in enumerate(waves):
            level = 10 ** (draw.uniform(self.mixing.low, self.mixing.high) / 20) * _rms(waves[0]) / _rms(wave_T)
            sources_TS[: len(wave_T), i] = wave_T * (level if i else 1.0)
        wave_T = sources_TS.sum(1)
        if self.noise is not None:
            with torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(noise_seed)
                wave_T = self.noise(wave_T[None], torch.tensor([len(wave_T)]))[0][0]
        return Mixture(wave_T, sources_TS)

    def members(self, index: int) -> list[int]:
        """Which utterances of the part are mixed in one."""
        return self._drawn(index)[0]

    def _drawn(self, index: int) -> tuple[list[int], np.random.Generator, int]:
        """Who is mixed, what draws their levels, and the seed of the noise."""
        name = zlib.crc32(self.ids[index].encode())
        draw = np.random.default_rng([name] if self.seed is None else [self.seed, self.epoch, name])
        members = [index]
        if self.mixing.speakers > 1:
            others = [speaker for speaker in self.own if speaker != self.speakers[index]]
            for i in draw.choice(len(others), self.mixing.speakers - 1, replace=False):
                members.append(int(draw.choice(self.own[others[i]])))
        return members, draw, int(draw.integers(2**63))


def _noise(key: str, folder: str, sample_rate: int, snr_db: tuple[float, float]) -> BackgroundNoise:
    try:
        noise = BackgroundNoise(folder, sample_rate, snr_db, 1.0)
        noise(torch.ones(1, 1), torch.ones(1).long())  # reads the recordings
    except UserError as error:
        raise UserError(f"dataset.{key}: {error}") from None
    return noise


def _rms(wave_T: torch.Tensor) -> float:
    return max(float(wave_T.square().mean().sqrt()), 1e-6)

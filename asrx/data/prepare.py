"""From the config's data set to utterances with their splits and waveforms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from omegaconf import DictConfig, OmegaConf

from asrx.config.build import build
from asrx.config.components import find
from asrx.data.audio import Audio
from asrx.data.copies import MIXTURE, Mixture, Offline, augmented, blended, plan
from asrx.data.drawing import few_held_out
from asrx.data.names import readable
from asrx.data.store import Store
from asrx.data.store import build as build_store
from asrx.types import Corpus, Split, UserError, Utterance


class Prepared(NamedTuple):
    """Utterances with their splits, a store in their order, and what recordings each utterance is made of.

    `made_of` has the sources (see `Store`) of each: its own, that of what it is a copy of, or both of a mixture; none
    of what cannot be used.
    """

    utterances: list[Utterance]
    store: Store
    made_of: list[tuple[int, ...]]

    def recordings(self, split: str) -> dict[int, str]:
        """The sources of a split, each with the id of an utterance that is made of it."""
        there = zip(self.utterances, self.made_of, strict=True)
        return {source: u.id for u, sources in there if u.split == split for source in sources}


def prepare(cfg: DictConfig) -> Prepared:
    """The utterances of a config's data set, those that `augment.offline` makes among them.

    Raises:
        UserError: the corpus cannot be had, split or copied as the config says.
    """
    corpus = build(cfg.dataset.corpus, Corpus)
    if corpus.decoder:
        _check_features(cfg.features["_target_"])
    offline = Offline(**OmegaConf.to_container(cfg.augment.offline, resolve=True))
    given = readable(corpus.prepare())
    utterances, mixtures = _parts(cfg, given, offline)
    cache = Path(cfg.data_dir).expanduser()
    originals = build_store(given, corpus.decoder or Audio(cfg.dataset.sample_rate), cache)
    place = {u.id: i for i, u in enumerate(given)}
    store = _in_order(originals, place, utterances, mixtures, offline, cache)
    return Prepared(utterances, store, _made_of(originals, place, utterances, mixtures))


def training_texts(cfg: DictConfig) -> list[str]:
    """What the recordings of the training part say, each once, without looking into them.

    Raises:
        UserError: see `prepare`.
    """
    offline = Offline(**OmegaConf.to_container(cfg.augment.offline, resolve=True))
    given = readable(build(cfg.dataset.corpus, Corpus).prepare())
    return [u.text for u in _parts(cfg, given, offline)[0] if u.split == "train" and not u.copy]


def _parts(cfg: DictConfig, given: Sequence[Utterance], offline: Offline) -> tuple[list[Utterance], dict[str, Mixture]]:
    """The utterances with their splits, copies among them, and what mixtures are made of."""
    protocol = build(cfg.dataset.split, Split)
    make = _copied_then_split if offline.before_split else _split_then_copied
    return make(given, protocol, offline, cfg.dataset.fold)


def _check_features(target: str) -> None:
    """Refuse features of sound for what is none."""
    from asrx.features.base import Features

    if find(target, Features).of_sound:
        raise UserError(f"{target} is for sound, and this dataset has pixels: choose features=image.")


def _copied_then_split(
    given: Sequence[Utterance], protocol: Split, offline: Offline, fold: DictConfig | None
) -> tuple[list[Utterance], dict[str, Mixture]]:
    tested = [u for u in given if protocol.official and u.split == "test"]
    planned, mixtures = plan([u for u in given if not (protocol.official and u.split == "test")], offline)
    return _assigned([*planned, *tested], protocol, fold), mixtures


def _split_then_copied(
    given: Sequence[Utterance], protocol: Split, offline: Offline, fold: DictConfig | None
) -> tuple[list[Utterance], dict[str, Mixture]]:
    assigned = _assigned(given, protocol, fold)
    planned, mixtures = plan([u for u in assigned if u.split == "train"], offline)
    return [*planned, *(u for u in assigned if u.split != "train")], mixtures


def _assigned(given: Iterable[Utterance], protocol: Split, fold: DictConfig | None) -> list[Utterance]:
    assigned = protocol.assign(given)
    if fold is None:
        return few_held_out(assigned)
    if not OmegaConf.is_dict(fold) or set(fold) != {"of", "index"}:
        raise UserError(f"dataset.fold={fold} should be {{of: 3, index: 0}}, with numbers of your own.")
    return few_held_out(protocol.fold(assigned, fold.of, fold.index))


def _in_order(
    originals: Store,
    place: dict[str, int],
    utterances: Sequence[Utterance],
    mixtures: dict[str, Mixture],
    offline: Offline,
    cache: Path,
) -> Store:
    """The samples of the utterances: those of the recordings, and those of the copies, which are made here."""
    end, stores, place = len(originals), [], dict(place)

    def of(names: Iterable[str]) -> Store:
        return originals.take(np.array([place[name] for name in names]))

    for number in sorted({u.copy for u in utterances} - {0}):
        names = sorted({u.id for u in utterances if u.copy == number})
        if number == MIXTURE:
            made = [mixtures[name] for name in names]
            weights = np.array([mixture.weight for mixture in made])
            stores.append(blended(of(m.first for m in made), of(m.second for m in made), weights, cache))
        else:
            sources = of(map(_source, names))
            stores.append(augmented(sources, offline.chains()[number - 1], offline.seed, cache))
        place |= {name: end + i for i, name in enumerate(names)}
        end += len(names)
    return originals.take(np.array([place[u.id] for u in utterances]), *stores)


def _source(name: str) -> str:
    """The id of the recording that a copy was made of."""
    return name.rpartition("#")[0]


def _made_of(
    originals: Store, place: dict[str, int], utterances: Sequence[Utterance], mixtures: dict[str, Mixture]
) -> list[tuple[int, ...]]:
    """See `Prepared`."""
    sources = originals.sources.tolist()
    found = []
    for u in utterances:
        names = mixtures[u.id][:2] if u.copy == MIXTURE else [_source(u.id) if u.copy else u.id]
        found.append(tuple(sources[place[name]] for name in names if place[name] not in originals.errors))
    return found

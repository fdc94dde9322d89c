"""From the config's data set to utterances with their splits and waveforms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from omegaconf import DictConfig, OmegaConf

from asrx.config.build import build
from asrx.data.audio import Audio
from asrx.data.copies import MIXTURE, Mixture, Offline, augmented, blended, plan
from asrx.data.store import Store
from asrx.data.store import build as build_store
from asrx.types import UserError, Utterance


def prepare(cfg: DictConfig) -> tuple[list[Utterance], Store]:
    """The utterances, those that `augment.offline` makes among them, and a store in their order.

    Raises:
        UserError: the corpus cannot be had, split or copied as the config says.
    """
    corpus, protocol = build(cfg.dataset.corpus), build(cfg.dataset.split)

    def assign(given: Iterable[Utterance]) -> list[Utterance]:
        assigned, fold = protocol.assign(given), cfg.dataset.fold
        if fold is None:
            return assigned
        if not OmegaConf.is_dict(fold) or set(fold) != {"of", "index"}:
            raise UserError(f"dataset.fold={fold} should be {{of: 3, index: 0}}, with numbers of your own.")
        return protocol.fold(assigned, fold.of, fold.index)

    offline = Offline(**OmegaConf.to_container(cfg.augment.offline, resolve=True))
    recordings = corpus.prepare()
    if offline.before_split:
        parts = {True: [], False: []}
        for u in recordings:
            parts[protocol.official and u.split == "test"].append(u)
        planned, mixtures = plan(parts[False], offline)
        utterances = assign([*planned, *parts[True]])
    else:
        assigned = assign(recordings)
        planned, mixtures = plan([u for u in assigned if u.split == "train"], offline)
        utterances = [*planned, *(u for u in assigned if u.split != "train")]
    decoder = getattr(corpus, "decoder", None) or Audio(cfg.dataset.sample_rate)
    cache = Path(cfg.data_dir).expanduser()
    store = build_store(recordings, decoder, cache)
    return utterances, _in_order(store, recordings, utterances, mixtures, offline, cache)


def _in_order(
    store: Store,
    recordings: Sequence[Utterance],
    utterances: Sequence[Utterance],
    mixtures: dict[str, Mixture],
    offline: Offline,
    cache: Path,
) -> Store:
    """The samples of the utterances: those of the recordings, and those of the copies, which are made here."""
    place = {u.id: i for i, u in enumerate(recordings)}
    end, stores = len(store), []

    def of(names: Iterable[str]) -> Store:
        return store.take(np.array([place[name] for name in names]))

    for number in sorted({u.copy for u in utterances} - {0}):
        names = sorted({u.id for u in utterances if u.copy == number})
        if number == MIXTURE:
            made = [mixtures[name] for name in names]
            weights = np.array([mixture.weight for mixture in made])
            stores.append(blended(of(m.first for m in made), of(m.second for m in made), weights, cache))
        else:
            sources = of(name.rpartition("#")[0] for name in names)
            stores.append(augmented(sources, offline.chains()[number - 1], offline.seed, cache))
        place |= {name: end + i for i, name in enumerate(names)}
        end += len(names)
    return store.take(np.array([place[u.id] for u in utterances]), *stores)

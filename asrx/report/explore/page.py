"""The page of `python -m asrx explore`: what is in a data set, and what the config makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from omegaconf import DictConfig

from asrx.data.store import Store
from asrx.report.document import image_type, render
from asrx.report.explore.augmentations import gallery
from asrx.report.explore.examples import SECONDS, choose, mixing, resampling, source_rates, stored
from asrx.report.explore.statistics import PERCENTILES, Fact, Tally, is_labelled, label, parts, percentiles, tally
from asrx.report.figures import histogram, ticks
from asrx.types import UserError, Utterance

CLASSES, MOST = 40, 20  # rows of a table of classes, and of other counts
BINS = 40  # of a histogram, about


def explore_page(cfg: DictConfig, overrides: Sequence[str], utterances: Sequence[Utterance], store: Store) -> str:
    """The page as HTML.

    Args:
        cfg: the composed config.
        overrides: as given, to be named.
        utterances, store: what `asrx.data.prepare.prepare` makes of the config.

    Raises:
        UserError: nothing of the training part can be used, or features or augmentations cannot be made.
    """
    training = [i for i, u in enumerate(utterances) if u.split == "train" and store.lengths[i]]
    labelled, sound = is_labelled(utterances), image_type(utterances[0].audio) is None
    places = choose(utterances, store.lengths, labelled)
    if not places:
        first = next(i for i, u in enumerate(utterances) if u.split == "train")
        raise UserError(
            f"No recording of the training part can be used (first {utterances[first].audio}: {store.errors[first]}): "
            "check dataset.root."
        )
    # of transcripts, the longest ones' sound is big: three will do
    heard = (places if labelled else places[::2]) if sound else []
    spoken = tally("speaker", "speakers", utterances, lambda u: [u.speaker] if u.speaker else [])
    if labelled:
        said = [tally("class", "classes", utterances, lambda u: [label(u.text)])]
    else:
        words = tally("word", "words", utterances, lambda u: u.text.split())
        said = [words, tally("character", "characters", utterances, lambda u: u.text)]
    seconds = {split: _seconds(utterances, store, split) for split in parts(utterances)}
    return render(
        "explore/page.html.j2",
        name=cfg.dataset.corpus._target_.rpartition(".")[2],
        overrides=overrides,
        splits=parts(utterances),
        totals=_totals(utterances, seconds, spoken, said[0]),
        facts=_facts(cfg, utterances, store, seconds, sound),
        said=[
            (counted, counted.rows(CLASSES if labelled else MOST, labelled), _remarks(counted, labelled))
            for counted in said
        ],
        spoken=(spoken, spoken.rows(MOST, False), [*spoken.spread(), *spoken.shared()]) if spoken.total else None,
        durations=_durations(seconds) if sound else None,
        examples=[resampling(utterances[i], stored(store, i)) for i in heard],
        mixing=mixing(*(stored(store, i) for i in heard[:2])) if len(heard) > 1 else None,
        gallery=gallery(cfg, store, training, places, sound),
        titles=[utterances[i] for i in places],
        cut=SECONDS,
    )


def _seconds(utterances: Sequence[Utterance], store: Store, split: str) -> np.ndarray:
    """Durations (N,) of what can be used of a part."""
    lengths = store.lengths[[i for i, u in enumerate(utterances) if u.split == split]]
    return lengths[lengths > 0] / store.sample_rate


def _totals(
    utterances: Sequence[Utterance], seconds: dict[str, np.ndarray], spoken: Tally, said: Tally
) -> dict[str, Any]:
    """A row for each part and one for all: utterances, seconds of audio, speakers, and different labels or words."""
    rows = [
        (
            split,
            sum(u.split == split for u in utterances),
            float(durations.sum()),
            spoken.counts[split],
            said.counts[split],
        )
        for split, durations in seconds.items()
    ]
    rows.append(("all", len(utterances), sum(row[2] for row in rows), spoken.total, said.total))
    return {"what": said.many, "rows": [(*row[:3], len(row[3]), len(row[4])) for row in rows]}


def _remarks(counted: Tally, labelled: bool) -> list[Fact]:
    """Words and characters are never evenly spread, nor all of them in every part."""
    return [*(counted.spread() + counted.absent() if labelled else []), *counted.unseen()]


def _facts(
    cfg: DictConfig, utterances: Sequence[Utterance], store: Store, seconds: dict[str, np.ndarray], sound: bool
) -> list[Fact]:
    """What is not in the counts: rates, copies, what cannot be used or is cut."""
    facts = []
    if sound:
        rates, files = source_rates(utterances)
        looked = "" if rates.total() == files else f" ({rates.total():,} of {files:,} files looked at)"
        listed = ", ".join(f"{rate:,} Hz in {count:,} files" for rate, count in sorted(rates.items()))
        facts.append(Fact(f"The recordings have {listed}{looked}; the data set has {store.sample_rate:,} Hz", False))
    if copies := sum(u.copy != 0 for u in utterances):
        facts.append(Fact(f"{copies:,} of {len(utterances):,} utterances are copies made by augment.offline", False))
    if store.errors:
        place = min(store.errors)
        text = f"{len(store.errors):,} of {len(utterances):,} utterances cannot be used, the first of them"
        facts.append(Fact(f"{text} {utterances[place].audio}: {store.errors[place]}", True))
    if (limit := cfg.dataset.clip.seconds) is not None:
        durations = np.concatenate(list(seconds.values()))
        longer = int((durations > limit).sum())
        share = f"{longer:,} of {len(durations):,} utterances ({longer / len(durations):.2%})"
        facts.append(Fact(f"{share} are longer than dataset.clip.seconds={limit:g} and are cut", False))
    return facts


def _durations(seconds: dict[str, np.ndarray]) -> dict[str, Any]:
    """Histograms of one scale, and a table with a column for each part and one for all."""
    held = {split: durations for split, durations in seconds.items() if len(durations)}
    every = np.concatenate(list(held.values()))
    edges = np.array(ticks(0, float(every.max()), BINS))
    columns = held | {"all": every}
    table = zip(PERCENTILES, *(percentiles(durations) for durations in columns.values()), strict=True)
    return {
        "charts": [histogram(f"Durations, {split}", values, edges, "duration in s") for split, values in held.items()],
        "columns": list(columns),
        "percentiles": list(table),
    }

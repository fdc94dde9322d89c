"""Two speakers at once: separated, recognised one by one, and scored whichever way round fits best."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import jiwer
import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from asrx.data.mixing import Mixer, Mixing
from asrx.evaluation.trained import Model, Trained, load_model
from asrx.report.files import RECORDINGS, read_recordings
from asrx.types import UserError
from asrx.vocabularies.base import spoken

HEARD = ("clean sources", "mixture", "separated")
BATCH_SIZE = 16


class Separator(NamedTuple):
    """A run that separates speakers, and the sources (see the waveform store) that it was trained on."""

    path: Path
    model: Model
    heard: set[int]


def separator(path: Path) -> Separator:
    """A run folder or a checkpoint, loaded.

    Raises:
        UserError: it separates nothing.
    """
    model, folder = load_model(path), path if path.is_dir() else path.parent
    if model.pipeline.objective.sources < 2:
        raise UserError(
            f"--separate {path} makes no two waveforms: name a run of dataset=mixtures dataset.speakers=2 "
            "model.encoder.sources=2."
        )
    heard = read_recordings(folder)["train"] if (folder / RECORDINGS).exists() else set()
    return Separator(path, model, heard)


@torch.inference_mode()
def cp_rates(trained: Trained, separator: Separator) -> dict[str, float]:
    """The concatenated minimum-permutation word error rate (Watanabe et al. 2020, https://arxiv.org/abs/2004.09249) of
    the test part, each utterance mixed with one of another speaker, as a share, by what was recognised: the clean
    sources, which no separator can better, the mixture, which then counts for both, and what the separator made of it.

    Args:
        trained: what recognises.
        separator: what separates.

    Raises:
        UserError: they hear different rates, the separator was trained on the test part, or that has too few speakers.
    """
    rate, own = trained.cfg.dataset.sample_rate, separator.model.cfg.dataset.sample_rate
    part, objective = trained.cfg.test_part, trained.pipeline.objective
    if own != rate:
        raise UserError(
            f"--separate {separator.path} hears {own} Hz, and the recogniser {rate} Hz: train one for that."
        )
    if not objective.writes:
        raise UserError("--separate needs runs that write text: name a recogniser.")
    utterances, places = trained.data.utterances[part], trained.data.places[part]
    if known := sum(source in separator.heard for source in trained.data.store.sources[places].tolist()):
        raise UserError(
            f"--separate {separator.path} was trained on {known} of the {len(places)} recordings of this {part} part: "
            "give recordings that it has not heard."
        )
    mixing = Mixing(rate, None, speakers=separator.model.pipeline.objective.sources)
    mixing.check(utterances, [part])
    mixer = Mixer(mixing, trained.data.store, places, utterances, part, None)
    errors, words = dict.fromkeys(HEARD, 0), 0
    order = np.argsort(trained.data.store.lengths[places], kind="stable").tolist()
    for start in range(0, len(order), BATCH_SIZE):
        index = order[start : start + BATCH_SIZE]
        mixtures = [mixer(i) for i in index]
        lengths_B = torch.tensor([len(mixture.wave_T) for mixture in mixtures])
        wave_BT, sources_BTS = (pad_sequence(list(parts), batch_first=True) for parts in zip(*mixtures, strict=True))
        said = [[_written(objective, utterances[k].text) for k in mixer.members(i)] for i in index]
        made_BTS, _ = separator.model.pipeline(wave_BT, lengths_B)
        given = (sources_BTS, wave_BT[:, :, None].expand_as(sources_BTS), made_BTS)
        words += sum(len(text.split()) for texts in said for text in texts)
        for heard, waves_BTS in zip(HEARD, given, strict=True):
            answers = [
                [spoken(h.text) for h in objective.decode(*trained.pipeline(wave_BT.contiguous(), lengths_B))]
                for wave_BT in waves_BTS.unbind(2)
            ]
            errors[heard] += sum(map(cp_errors, said, zip(*answers, strict=True)))
    return {heard: count / words for heard, count in errors.items()}


def cp_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Word errors of the answers, in the order that has the fewest.

    >>> cp_errors(["one two", "three"], ["three", "one"])
    1
    """
    return min(sum(map(_errors, said, order)) for order in permutations(heard))


def _errors(reference: str, hypothesis: str) -> int:
    found = jiwer.process_words(reference, hypothesis)
    return found.substitutions + found.insertions + found.deletions


def _written(objective, text: str) -> str:
    """As the recogniser would write it."""
    return spoken(objective.text(objective.encode(text)))

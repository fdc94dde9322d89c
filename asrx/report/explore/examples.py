"""Which utterances of a corpus are shown, and what becomes of their sound on its way into the waveform store."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from asrx.data.store import Store
from asrx.report.audio import Clip, read_clip, spectrogram, wav_bytes, waveform
from asrx.report.document import data_uri
from asrx.report.explore.statistics import label
from asrx.report.figures import spectrum_chart
from asrx.types import Utterance

EXAMPLES = 5
SECONDS = 3.0  # at most, of each example that is shown and played: the page stays small
FILES = 200  # whose headers are read


def choose(utterances: Sequence[Utterance], lengths: np.ndarray, labelled: bool) -> list[int]:
    """Places of up to `EXAMPLES` recordings for training, or of copies where there are no others; always the same ones.

    Where the texts are labels: the recordings of median length of as many labels, spread over the alphabet, and further
    ones of each where there are fewer labels. Otherwise the shortest, the longest, and those spread evenly between.

    Args:
        utterances, lengths: in one order; those of length 0 cannot be used.
        labelled: whether the texts are labels.
    """
    usable = {u.id: i for i, u in enumerate(utterances) if u.split == "train" and lengths[i]}  # each recording once
    usable = [i for i in usable.values() if not utterances[i].copy] or list(usable.values())
    usable.sort(key=lambda i: (lengths[i], utterances[i].id))
    if not labelled:
        return [usable[i] for i in _spread(len(usable))]
    members = defaultdict(list)
    for i in usable:
        members[label(utterances[i].text)].append(i)
    names = sorted(members)
    shown = [members[names[i]] for i in _spread(len(names))]
    from_median = [places[len(places) // 2 :] + places[: len(places) // 2] for places in shown]
    return [i for turn in zip_longest(*from_median) for i in turn if i is not None][:EXAMPLES]


def _spread(count: int) -> list[int]:
    return np.unique(np.linspace(0, count - 1, min(count, EXAMPLES)).round().astype(int)).tolist()


def source_rates(utterances: Sequence[Utterance]) -> tuple[Counter[int], int]:
    """The sample rates (Hz) in the headers of up to `FILES` of the corpus's files, and how many files there are."""
    import soundfile

    files = sorted({u.audio for u in utterances})
    rates = Counter()
    for i in np.unique(np.linspace(0, len(files) - 1, min(len(files), FILES)).round().astype(int)):
        try:
            rates[soundfile.info(files[i]).samplerate] += 1
        except (OSError, soundfile.LibsndfileError):
            continue  # it is among those that cannot be used
    return rates, len(files)


def stored(store: Store, place: int, seconds: float = SECONDS) -> Clip:
    """The beginning of an utterance as the store has it."""
    wave_T = store.gather(np.array([place]))[0][0]
    return Clip(wave_T[: round(seconds * store.sample_rate)], store.sample_rate, store.seconds(place))


def resampling(utterance: Utterance, after: Clip) -> dict[str, Any]:
    """An utterance as its file has it, beside what the store has of it.

    Raises:
        UserError: the file cannot be read any more.
    """
    before = read_clip(utterance, SECONDS, None)
    versions = {f"{before.rate / 1000:g} kHz, as the file has it": before}
    if before.rate != after.rate or utterance.copy:
        versions[f"{after.rate / 1000:g} kHz, {'augmented' if utterance.copy else 'resampled'}"] = after
    peak = _peak([before, after])
    return {
        "utterance": utterance,
        "clip": before,
        "versions": [(name, sounding(clip, peak)) for name, clip in versions.items()],
        "spectrum": spectrum_chart("Spectrum", {name: (clip.wave, clip.rate) for name, clip in versions.items()}),
    }


def mixing(first: Clip, second: Clip) -> dict[str, Any]:
    """The waveforms of two clips of one rate, and their sum, which is made softer where it would exceed full scale."""
    wave = np.zeros(max(len(first.wave), len(second.wave)), np.float32)
    for clip in (first, second):
        wave[: len(clip.wave)] += clip.wave
    mixed = Clip(wave / max(1.0, np.abs(wave).max()), first.rate, len(wave) / first.rate)
    peak = _peak([first, second, mixed])
    return {"waveforms": [waveform(clip, peak) for clip in (first, second)], "sum": sounding(mixed, peak)}


def sounding(clip: Clip, peak: float) -> dict[str, Any]:
    """A clip as waveform, spectrogram and player."""
    return {"waveform": waveform(clip, peak), "spectrogram": spectrogram(clip), "player": player(clip)}


def player(clip: Clip) -> str:
    """What a player plays: a WAV file as a data URI."""
    return data_uri("audio/wav", wav_bytes(clip))


def _peak(clips: Sequence[Clip]) -> float:
    return max(*(float(np.abs(clip.wave).max()) for clip in clips), 1e-4)

"""How often `asrx watch` cries wolf, and what it notices: two Markdown tables.

python tests/bench/bench_watch.py RUN_FOLDER

Of the run's test part, whose speakers must be known. Each draw divides it into a half that is the reference and one
that is production.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import soxr
import torch

from asrx.config.saved import config_of
from asrx.evaluation.trained import load
from asrx.recognition.measured import measured
from asrx.recognition.recognizer import Recognizer
from asrx.recognition.recognizer import load as recognizer_of
from asrx.recognition.sources import Recording
from asrx.types import UserError
from asrx.watching.comparison import compare
from asrx.watching.profile import Profile, profile_of

ALARMS, DRAWS = 1000, 100  # divisions: of one part, of a part and a changed one
SIZES = (5, 10, 20, 50, 200)  # recordings of production


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    trained, recognizer = load(folder, config_of(folder, [])), recognizer_of(folder)
    part, rate = trained.cfg.test_part, recognizer.sample_rate
    utterances = trained.data.utterances[part]
    test = trained.data.loader(part, None).dataset
    waves = [test[np.array([i])].wave_BT[0].numpy() for i in range(len(utterances))]
    speakers = [u.speaker for u in utterances]
    alone = _profile(recognizer, waves, speakers)
    print(f"{len(waves)} recordings of {len(set(speakers))} speakers.\n")
    _alarms(alone)
    print("\n| production | the right one | speakers are known of | " + " | ".join(f"{n}" for n in SIZES) + " |")
    print("|---|---|---|" + "---|" * len(SIZES))
    for name, (right, change) in _changes(rate).items():
        _noticed(name, right, alone, _profile(recognizer, [change(wave) for wave in waves], speakers))
    _other_speaker(alone)


def _profile(recognizer: Recognizer, waves: list[np.ndarray], speakers: list[str]) -> Profile:
    samples = (np.clip(np.rint(wave * 32768), -32768, 32767).astype("int16") for wave in waves)
    found = measured(recognizer, (Recording(str(i), wave_T) for i, wave_T in enumerate(samples)))
    return profile_of([str(i) for i in range(len(waves))], speakers, [row for _, row in found])


def _changes(rate: int) -> dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]]:
    """What is done to production, and the quantity that should be named first."""
    rng = np.random.default_rng(0)

    def noise(wave: np.ndarray, decibels: float) -> np.ndarray:
        return wave + rng.standard_normal(len(wave)) * np.sqrt(np.square(wave).mean() / 10 ** (decibels / 10))

    return {
        "nothing": ("", lambda wave: wave),
        "white noise, 20 dB": ("snr", lambda wave: noise(wave, 20)),
        "white noise, 10 dB": ("snr", lambda wave: noise(wave, 10)),
        "gain of -12 dB": ("level", lambda wave: wave * 10 ** (-12 / 20)),
        "nothing above a quarter of the rate": (
            "high_band",
            lambda wave: soxr.resample(soxr.resample(wave, rate, rate / 2), rate / 2, rate),
        ),
        "speech 1.2 times as fast": ("rate", lambda wave: _faster(wave, rate, 1.2)),
    }


def _faster(wave_T: np.ndarray, rate: int, factor: float) -> np.ndarray:
    """At the same pitch, by overlap and add of similar waveforms (Verhelst & Roelands 1993, WSOLA): a phase vocoder
    would smear it."""
    hop, seek = round(0.02 * rate), round(0.01 * rate)
    window_N = np.hanning(2 * hop + 1)[:-1]
    wave_T = np.pad(wave_T, (0, 4 * hop))
    out_T, place = np.zeros(int(len(wave_T) / factor) + 4 * hop), 0
    for k in range(int((len(wave_T) - 4 * hop - seek) / hop / factor)):
        if k:  # what would follow naturally is sought around where it should be
            wanted_N, low = wave_T[place + hop : place + 3 * hop], max(0, round(k * hop * factor) - seek)
            high = round(k * hop * factor) + seek + 2 * hop
            place = low + int(np.correlate(wave_T[low:high], wanted_N, "valid").argmax())
        out_T[k * hop : k * hop + 2 * hop] += wave_T[place : place + 2 * hop] * window_N
    return out_T[: (k + 1) * hop]


def _halves(rng: np.random.Generator, profile: Profile, by_speaker: bool) -> tuple[np.ndarray, np.ndarray]:
    """Places of the recordings of one half and of the other."""
    names = np.array(profile.speakers if by_speaker else profile.names)
    units = rng.permutation(np.unique(names))
    first_N = np.isin(names, units[: len(units) // 2])
    return np.flatnonzero(first_N), np.flatnonzero(~first_N)


def _some(profile: Profile, places: np.ndarray, known: bool) -> Profile:
    speakers = [profile.speakers[i] if known else None for i in places]
    return profile_of([profile.names[i] for i in places], speakers, profile.values_NQ[places])


def _alarms(profile: Profile) -> None:
    print("| halves are drawn by | speakers are known of | alarms at 0.05 |\n|---|---|---|")
    both, neither, reference = (True, True), (False, False), (True, False)
    for by_speaker, known in ((True, both), (False, neither), (True, reference), (True, neither)):
        rng, alarms = np.random.default_rng(0), 0
        for _ in range(ALARMS):
            places = _halves(rng, profile, by_speaker)
            own = (_some(profile, places[side], known[side]) for side in (0, 1))
            alarms += compare(*own, 0.05)[0].changed
        of = {both: "both", neither: "neither", reference: "the reference"}[known]
        print(f"| {'speakers' if by_speaker else 'recordings'} | {of} | {100 * alarms / ALARMS:.1f} % |", flush=True)


def _noticed(name: str, right: str, alone: Profile, changed: Profile) -> None:
    """The share of the draws that are noticed, and of these the share in which the right quantity is named first."""
    for of, known in (("both", (True, True)), ("the reference", (True, False)), ("neither", (False, False))):
        cells = []
        for n in SIZES:
            rng, firsts = np.random.default_rng(0), []
            for _ in range(DRAWS):
                before, after = _halves(rng, alone, by_speaker=known[0])
                chosen = np.sort(rng.permutation(after)[:n])
                with suppress(UserError):
                    first = compare(_some(alone, before, known[0]), _some(changed, chosen, known[1]), 0.01)[0]
                    firsts.append(first.quantity.key if first.changed else "")
            noticed = [key for key in firsts if key]
            told = f"{100 * len(noticed) / DRAWS:.0f} %" if firsts else "too few"
            cells.append(told + (f", {100 * np.mean(np.array(noticed) == right):.0f} %" if noticed and right else ""))
        print(f"| {name} | {right} | {of} | {' | '.join(cells)} |", flush=True)


def _other_speaker(profile: Profile) -> None:
    """All recordings of one speaker, who is not in the reference: each speaker once for each size."""
    speakers, cells = np.array(profile.speakers), []
    for n in SIZES:
        rng, noticed, asked, firsts = np.random.default_rng(0), 0, 0, []
        for speaker in np.unique(speakers):
            own = rng.permutation(np.flatnonzero(speakers == speaker))[:n]
            if len(own) == n:
                others = np.flatnonzero(speakers != speaker)
                first = compare(_some(profile, others, True), _some(profile, own, False), 0.01)[0]
                asked, noticed = asked + 1, noticed + first.changed
                firsts += [first.quantity.key] if first.changed else []
        most = max(set(firsts), key=firsts.count) if firsts else ""
        cells.append((f"{noticed} of {asked}" if asked else "") + (f", mostly {most}" if most else ""))
    print(f"| one new speaker | | the reference | {' | '.join(cells)} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

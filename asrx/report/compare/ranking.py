"""Which of the systems is best, and which of the others may be as good."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from asrx.report.compare.systems import Key, System, check_alike
from asrx.report.errors import KINDS, Kind
from asrx.report.significance import LEVEL, RESAMPLES, holm, interval, p_value, resampled_rates
from asrx.report.sweep import Sweep
from asrx.report.terminal import HEADLINES
from asrx.types import UserError

FEWEST_SPEAKERS = 10  # with fewer, resampling speakers makes intervals that are too narrow
PER_TEST = 100  # resamples at least: the smallest p they can give, times the number of tests, stays below LEVEL
NAMED = 8  # systems listed by name in a sentence


class Versus(NamedTuple):
    """A system against the best: its figure less the best's, its interval, and the test, paired over the `shared`
    utterances; where they share none, of two samples that have nothing to do with each other."""

    difference: float
    interval: tuple[float, float]
    p: float
    adjusted: float
    verdict: str  # WITHIN, WORSE or BETTER
    shared: int


class Standing(NamedTuple):
    """A system with its figure (0 to 1, of the kind's first metric) and its 95 % interval; the best has no `versus`."""

    rank: int
    system: System
    figure: float
    interval: tuple[float, float]
    versus: Versus | None


class Draw(NamedTuple):
    """What the bootstrap draws: whole speakers, given by utterance, or single utterances (None); why; how often."""

    speakers: dict[Key, str] | None
    why: str
    resamples: int


class Ranking(NamedTuple):
    """The systems, best first, and those that were not tested.

    `metric` is what they are ranked by where that is a sweep's score, else None. `headline` is the key of the figure.
    """

    standings: list[Standing]
    untested: list[System]
    kind: Kind
    headline: str
    part: str
    metric: str | None
    draw: Draw


# seeds of one configuration often differ significantly
CAVEAT = "This holds for these trained models; other seeds may order their configurations differently."
BEST, WITHIN, WORSE, BETTER = "best", "within noise", "worse", "better"


def rank(systems: Sequence[System], sweep: Sweep | None) -> Ranking:
    """Ranks systems and compares each with the best.

    Args:
        systems: of runs, and of trials in the order of their numbers.
        sweep: whose trials they all are: then they are ranked by its score, else by their errors.

    Raises:
        UserError: none was tested, or they cannot be compared.
    """
    tested = [system for system in systems if system.counts]
    if not tested:
        raise UserError("No run and no trial named has been tested yet: there is nothing to compare.")
    check_alike([(system.folder, system.kind, system.part) for system in tested])
    kind = KINDS[tested[0].kind]
    if kind.decibels:
        raise UserError(
            f"{tested[0].folder} makes waveforms, and compare ranks by errors: see python -m asrx evaluate, which puts "
            "such runs side by side."
        )
    ranked = sorted(
        tested, key=lambda system: -sweep.goodness(system.search.score) if sweep else _rate(system, system.counts)
    )
    best, *others = ranked
    shared = [frozenset(best.counts) & frozenset(other.counts) for other in others]
    alone = [best, *(other for other, names in zip(others, shared, strict=True) if not names)]
    draw = _draw(ranked, [*filter(None, shared), *(system.counts.keys() for system in alone)])
    intervals = _intervals(ranked, kind, draw)
    versus = _versus(best, others, shared, kind, draw)
    headline = next(iter(kind.metrics))
    standings = [
        Standing(number, system, kind.figure(_rate(system, system.counts)), *rest)
        for number, (system, *rest) in enumerate(zip(ranked, intervals, [None, *versus], strict=True), 1)
    ]
    untested = [system for system in systems if not system.counts]
    return Ranking(standings, untested, kind, headline, tested[0].part, sweep.metric if sweep else None, draw)


def verdict(ranking: Ranking) -> str:
    """Which system is best and which are within noise of it, or, where no two answered the same recordings, what they
    reach together; a sentence without a full stop."""
    best, *others = ranking.standings
    score = f"{_measure(ranking)} {_reached(ranking, [best])}"
    if not others:
        return f"{best.system.name} ({score}) is the only one with a result"
    if _apart(ranking.standings):
        mean = f"{_measure(ranking)} {_reached(ranking, ranking.standings)}"
        first, last = (f"{_reached(ranking, [one])} ({one.system.name})" for one in (best, others[-1]))
        return (
            f"No recording is in two of these {len(others) + 1} tests, as where each leaves out another speaker: "
            f"{mean} on average, from {first} to {last}"
        )
    names = {
        what: [one.system.name for one in others if one.versus.verdict == what] for what in (WITHIN, WORSE, BETTER)
    }
    parts = [f"{best.system.name} is best ({score})"]
    if names[WITHIN]:
        parts.append(f"{_listed(names[WITHIN])} {'is' if len(names[WITHIN]) == 1 else 'are'} within noise of it")
    else:
        parts.append("none is within noise of it")
    if names[WORSE]:
        parts.append(f"{len(names[WORSE])} {'other is' if len(names[WORSE]) == 1 else 'others are'} worse")
    if names[BETTER]:
        does = "makes fewer errors, though its" if len(names[BETTER]) == 1 else "make fewer errors, though their"
        parts.append(f"{_listed(names[BETTER])} {does} score is worse")
    return "; ".join(parts)


def _measure(ranking: Ranking) -> str:
    return ranking.metric or HEADLINES[ranking.headline]


def _reached(ranking: Ranking, standings: Sequence[Standing]) -> str:
    """The mean of what systems are ranked by."""
    if ranking.metric:
        return f"{np.mean([one.system.search.score for one in standings]):.4g}"
    return f"{100 * np.mean([one.figure for one in standings]):.2f} %"


def _recordings(standing: Standing) -> set[str]:
    return {recording for recording, *_ in standing.system.counts}


def _apart(standings: Sequence[Standing]) -> bool:
    """Whether no two systems were tested on one recording."""
    answered = [_recordings(one) for one in standings]
    return sum(map(len, answered)) == len(set.union(*answered))


def caveats(ranking: Ranking) -> list[str]:
    """What the figures do not say, in sentences."""
    found = [CAVEAT, *_unlike(ranking)]
    counts = [one.system.counts.values() for one in ranking.standings]
    flawless = [answers for answers in counts if not any(count.errors for count in answers)]
    if flawless:
        units = min(sum(count.units for count in answers) for answers in flawless)
        found.append(
            f"Where nothing was wrong the interval has no width, and yet an error rate of {300 / units:.2g} % would "
            "have shown no error in as much data one time in twenty (3 / n)."
        )
    return found


def _unlike(ranking: Ranking) -> list[str]:
    """What is to be said where not all systems were tested on the same utterances."""
    best, *others = ranking.standings
    if others and _apart(ranking.standings):
        return ["They are compared unpaired, and what differs may be the recordings."]
    found = []
    if apart := [one.system.name for one in others if not one.versus.shared]:
        found.append(f"{_listed(apart)} answered other utterances than {best.system.name}: compared unpaired.")
    total = len(best.system.counts)
    partly = [f"{one.system.name} ({one.versus.shared} of {total})" for one in others if 0 < one.versus.shared < total]
    if partly:
        found.append(f"Paired with {best.system.name} on the utterances that both answered: {_listed(partly)}.")
    corrected = [(one.system.name, _otherwise(best.system, one.system)) for one in others]
    if told := [f"{name} ({count} recordings)" for name, count in corrected if count]:
        found.append(f"The references are not those of {best.system.name}, and such are not paired: {_listed(told)}.")
    return found


def _otherwise(one: System, other: System) -> int:
    """How many recordings both were tested on, with other references."""
    references = [defaultdict(set), defaultdict(set)]
    for system, found in zip((one, other), references, strict=True):
        for recording, reference, _ in system.counts:
            found[recording].add(reference)
    ours, theirs = references
    return sum(ours[recording].isdisjoint(theirs[recording]) for recording in ours.keys() & theirs.keys())


def _listed(names: Sequence[str]) -> str:
    first, rest = list(names[:NAMED]), len(names) - NAMED
    if rest > 0:
        first.append(f"{rest} more")
    return " and ".join(filter(None, [", ".join(first[:-1]), first[-1]]))


def _rate(system: System, names: Collection[Key]) -> float:
    errors, units = (sum(system.counts[name][place] for name in names) for place in (0, 1))
    return errors / max(units, 1)


def _draw(systems: Sequence[System], compared: Sequence[Collection[Key]]) -> Draw:
    """Speakers where each utterance to be compared names one and there are enough of them, else utterances."""
    speakers = {name: count.prediction.speaker for system in systems for name, count in system.counts.items()}
    resamples = max(RESAMPLES, PER_TEST * len(systems))
    if None in speakers.values():
        return Draw(None, "Single utterances are drawn, because not every utterance names its speaker", resamples)
    fewest = min(len({speakers[name] for name in names}) for names in compared)
    if fewest < FEWEST_SPEAKERS:
        few = f"{fewest} speaker{'s' * (fewest > 1)}"
        why = (
            f"Single utterances are drawn, because there are only {few} (drawing speakers takes at least "
            f"{FEWEST_SPEAKERS}): all this holds for more speech of the same speakers, and not for other speakers"
        )
        return Draw(None, why, resamples)
    why = f"Whole speakers are drawn ({fewest}), because a system's errors on one speaker go together"
    return Draw(speakers, why, resamples)


def _intervals(systems: Sequence[System], kind: Kind, draw: Draw) -> list[tuple[float, float]]:
    found = {}
    for names, places in _grouped([frozenset(system.counts) for system in systems]).items():
        figures_SR = _figures([systems[i] for i in places], names, kind, draw)
        found |= {place: interval(figures_R) for place, figures_R in zip(places, figures_SR, strict=True)}
    return [found[place] for place in range(len(systems))]


def _versus(
    best: System, others: Sequence[System], shared: Sequence[frozenset[Key]], kind: Kind, draw: Draw
) -> list[Versus]:
    tests = {}
    for names, places in _grouped(shared).items():
        compared = [others[i] for i in places]
        if names:
            best_R, *others_SR = _figures([best, *compared], names, kind, draw)
        else:
            best_R = _figures([best], best.counts, kind, draw)[0]
            others_SR = [_figures([other], other.counts, kind, draw, seed=1)[0] for other in compared]
        for place, other_R in zip(places, others_SR, strict=True):
            tests[place] = interval(other_R - best_R), p_value(other_R - best_R)
    adjusted = holm(np.array([tests[place][1] for place in range(len(others))]))
    found = []
    for place, (other, names) in enumerate(zip(others, shared, strict=True)):
        ours, theirs = (_rate(system, names or system.counts) for system in (other, best))
        verdict = WITHIN if adjusted[place] >= LEVEL else WORSE if ours > theirs else BETTER
        difference = kind.figure(ours) - kind.figure(theirs)
        found.append(Versus(difference, *tests[place], float(adjusted[place]), verdict, len(names)))
    return found


def _grouped(sets: Sequence[frozenset[Key]]) -> dict[frozenset[Key], list[int]]:
    """The places of equal sets."""
    places = defaultdict(list)
    for place, names in enumerate(sets):
        places[names].append(place)
    return places


def _figures(systems: Sequence[System], names: Collection[Key], kind: Kind, draw: Draw, seed: int = 0) -> np.ndarray:
    """Resampled figures (S, R) of systems on the utterances named."""
    order = sorted(names)
    counts_SN2 = np.array([[system.counts[name][:2] for name in order] for system in systems], dtype=float)
    drawn = [draw.speakers[name] for name in order] if draw.speakers else range(len(order))
    clusters_N = np.unique(drawn, return_inverse=True)[1]
    return kind.figure(resampled_rates(counts_SN2[..., 0], counts_SN2[..., 1], clusters_N, draw.resamples, seed))

"""Phrases that are expected, such as names: texts that hold them are worth more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from asrx.decoding.flashlight import decoder_module


class Place(NamedTuple):
    """How much of a phrase has been said, and how many of its words would be taken back if it does not go on."""

    said: tuple[str, ...] = ()
    owed: int = 0


class Phrases:
    """Counts words of phrases while a text grows: each word that goes on with a phrase counts one, and a phrase that
    breaks off before its end takes its words back.

    >>> phrases = Phrases(["new york", "york city hall"])
    >>> place, counted = phrases.after(Place(), "new")
    >>> counted, phrases.after(place, "york")[1], phrases.after(place, "age")[1]
    (1, 1, -1)
    """

    def __init__(self, phrases: Sequence[str]):
        self.whole = {tuple(phrase.split()) for phrase in phrases}
        self.beginnings = {phrase[:n] for phrase in self.whole for n in range(len(phrase) + 1)} | {()}

    def after(self, place: Place, word: str) -> tuple[Place, int]:
        """Where a text is after one more word, and what is to be counted for it."""
        said, owed, counted = (*place.said, word), place.owed + 1, 1
        if said not in self.beginnings:  # its longest end that begins a phrase
            said = next(said[i:] for i in range(1, len(said) + 1) if said[i:] in self.beginnings)
            owed, counted = len(said), len(said) - place.owed
        return Place(said, 0 if said in self.whole else owed), counted


def boosted(lm: Any, words: Sequence[str], phrases: Phrases, boost: float) -> Any:
    """A language model of flashlight's that also counts phrases.

    Args:
        lm: another one.
        words: by their places.
        boost: for each word of a phrase, on the scale of `lm`.
    """
    base = decoder_module()

    class Boosted(base.LM):
        def start(self, start_with_nothing: bool) -> Any:
            state = base.LMState()
            self.known = {state: (lm.start(start_with_nothing), Place())}  # of the utterance in hand
            return state

        def score(self, state: Any, word: int) -> tuple[Any, float]:
            of_lm, place = self.known[state]
            after, score = lm.score(of_lm, word)
            place, counted = phrases.after(place, words[word])
            child = state.child(word)
            self.known.setdefault(child, (after, place))
            return child, score + boost * counted

        def finish(self, state: Any) -> tuple[Any, float]:
            of_lm, place = self.known[state]
            _, score = lm.finish(of_lm)
            return state, score - boost * place.owed

    return Boosted()

"""N-gram language models by interpolated modified Kneser-Ney smoothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
FALLBACK = (0.0, 0.5, 1.0, 1.5)  # discounts where a text is too small to tell them: those of KenLM's lmplz

Gram = tuple[str, ...]


class NGrams(NamedTuple):
    """Of each order from 1 on, the probability of each n-gram's last word after the others, and of each context the
    share that is left for what did not follow it; `<s>` has no probability of its own."""

    probabilities: list[dict[Gram, float]]
    backoffs: list[dict[Gram, float]]


def train(sentences: Iterable[Sequence[str]], order: int) -> NGrams:
    """Estimate a model (Chen and Goodman 1998, https://dash.harvard.edu/handle/1/25104739, section 3).

    As in KenLM's lmplz (Heafield et al. 2013, https://aclanthology.org/P13-2121), n-grams that begin a sentence keep
    their own counts, nothing is pruned, and `<unk>` has the share of a word that was never seen.

    Args:
        sentences: of words, or of other tokens.
        order: the longest n-gram, from 1.
    """
    adjusted = _adjusted(_counts(sentences, order))
    probabilities, backoffs = [], []
    lower = {(): 1 / (len(adjusted[0]) + 1)}  # of each word, `<unk>` among them
    for counts in adjusted:
        discounts = _discounts(counts.values())
        total, left = Counter(), defaultdict(float)
        for gram, count in counts.items():
            total[gram[:-1]] += count
            left[gram[:-1]] += discounts[min(count, 3)]
        shares = {context: left[context] / total[context] for context in total}
        own = {
            gram: (count - discounts[min(count, 3)]) / total[gram[:-1]] + shares[gram[:-1]] * lower[gram[1:]]
            for gram, count in counts.items()
        }
        if not probabilities:
            own[(UNKNOWN,)] = shares[()] * lower[()]
        probabilities.append(own)
        backoffs.append(shares)
        lower = own
    return NGrams(probabilities, backoffs[1:])


def _counts(sentences: Iterable[Sequence[str]], order: int) -> list[Counter[Gram]]:
    counts = [Counter() for _ in range(order)]
    for sentence in sentences:
        words = (BEGIN, *sentence, END)
        for n, own in enumerate(counts, 1):
            own.update(words[i : i + n] for i in range(len(words) - n + 1))
    return counts


def _adjusted(counts: list[Counter[Gram]]) -> list[Counter[Gram]]:
    """Of all but the longest, how many different words stand before an n-gram; nothing stands before `<s>`."""
    adjusted = [counts[-1]]
    for own, longer in zip(counts[-2::-1], counts[:0:-1], strict=True):
        before = Counter(gram[1:] for gram in longer)
        before.update({gram: count for gram, count in own.items() if gram[0] == BEGIN})
        adjusted.append(before)
    del adjusted[-1][(BEGIN,)]
    return adjusted[::-1]


def _discounts(counts: Iterable[int]) -> Sequence[float]:
    """What is taken from counts of 1, of 2, and of more."""
    of = Counter(min(count, 4) for count in counts)
    if not all(of[k] for k in (1, 2, 3)):
        return FALLBACK
    y = of[1] / (of[1] + 2 * of[2])
    found = [k - (k + 1) * y * of[k + 1] / of[k] for k in (1, 2, 3)]
    return (0.0, *found) if min(found) > 0 else FALLBACK

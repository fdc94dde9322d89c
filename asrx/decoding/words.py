"""A beam search of CTC over known words, with a language model or without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from asrx.decoding.flashlight import FAR, LN10, FlashlightSearch, best, decoder_module, header, kenlm, speaking
from asrx.decoding.phrases import Phrases, boosted
from asrx.language.tokens import SPACE
from asrx.types import UserError
from asrx.vocabularies.base import Vocabulary
from asrx.vocabularies.characters import CharacterVocabulary

NEVER = -1e4  # a log probability, where -inf would be multiplied by 0
MOST = 3  # words that a sentence names


class WordSearch(FlashlightSearch):
    """flashlight's lexicon decoder. A score is the text's log probability with what its words and the language model
    add; it is summed over the alignments that the beam holds.

    Args:
        labels: the characters, a space among them.
        words: of the training transcripts; None where they are not known.
        lexicon: a file with a word on each line, or the words themselves; None takes `words`, and those of the language
            model.
        lm: an ARPA file of words.
        lm_weight: of the natural logarithm of its probabilities.
        word_score: what each word adds to the logarithm of a text's probability.
        beam: texts kept after each frame.
        phrases: that are expected; their words need not be in the lexicon.
        boost: what each word of a phrase adds.
        vocabulary: whose tokens the labels are; None are characters.

    Raises:
        UserError: flashlight-text is not installed, a file cannot be used, or a word cannot be written.
    """

    # flashlight cannot let the last token of a word go on for several frames unless a space follows
    units = ("characters", "phones")

    def __init__(
        self,
        labels: Sequence[str],
        words: Sequence[str] | None,
        lexicon: str | Sequence[str] | None = None,
        lm: str | None = None,
        lm_weight: float = 0.5,
        word_score: float = 0.0,
        beam: int = 50,
        phrases: Sequence[str] = (),
        boost: float = 3.0,
        vocabulary: Vocabulary | None = None,
    ):
        if beam < 1:
            raise UserError(f"decode.beam={beam} should be a whole number from 1.")
        if " " not in labels:
            raise UserError("This decode writes words, and model.objective.alphabet has no space: choose decode=beam.")
        base, self.space = decoder_module(), list(labels).index(" ")
        self.vocabulary = vocabulary or CharacterVocabulary(labels)
        expected = {word for phrase in phrases for word in phrase.split()}
        _check(dict.fromkeys(expected, "decode.phrases"), self.vocabulary)
        known = set(words or ()) if lexicon is None else _lexicon(lexicon, words, self.vocabulary)
        if lm is not None:
            of_lm = _of_lm(lm, words, self.vocabulary)
            known |= of_lm if lexicon is None else set()
        if not known:
            raise UserError("The run does not say which words it was trained on: name some, decode.lexicon=FILE.")
        written = sorted(known | expected)
        # what an export makes it of again: with a lexicon, the training words do not matter any more
        self.labels, self.words, self.lexicon, self.lm, self.lm_weight = list(labels), None, written, lm, lm_weight
        self.word_score, self.beam, self.phrases, self.boost = word_score, beam, list(phrases), boost
        weight = lm_weight * LN10 if lm is not None else 1.0
        language = kenlm(lm, written) if lm is not None else base.ZeroLM()
        if phrases and weight:
            language = boosted(language, [*written, "<unk>"], Phrases(phrases), boost / weight)
        self.spellings = [self.vocabulary.spell(word) for word in written]
        trie = _trie(
            base, language, [[*spelling, self.space] for spelling in self.spellings], len(labels) + 1, self.space
        )
        options = base.LexiconDecoderOptions(
            beam_size=beam,
            beam_size_token=len(labels) + 1,
            beam_threshold=FAR,
            lm_weight=weight,
            word_score=word_score,
            unk_score=-float("inf"),
            sil_score=0.0,
            log_add=True,
            criterion_type=base.CriterionType.CTC,
        )
        self.kept = language, trie  # flashlight holds what it is given by pointers alone
        self.decoder = base.LexiconDecoder(options, trie, language, self.space, len(labels), len(written), [], False)

    def one(self, logp_TV: torch.Tensor, blank: int) -> tuple[list[int], float]:
        if not len(logp_TV):
            return [], 0.0
        logp_TV, silent = speaking(logp_TV, blank)
        # spellings end in a space, and texts do not: without a frame that says it the last word would be lost
        end_1V = torch.full_like(logp_TV[:1], NEVER)
        end_1V[0, self.space] = 0
        result = best(self.decoder, torch.cat([logp_TV, end_1V]))
        spelt = [self.spellings[word] for word in result.words if word >= 0]
        return [i for n, ids in enumerate(spelt) for i in ([self.space] * (n > 0) + ids)], result.score + silent


def _trie(base: Any, language: Any, spellings: Sequence[Sequence[int]], tokens: int, space: int) -> Any:
    """The beginnings of all words, each with what the best word with it is worth at the start of a sentence: words
    that are rare there leave the beam early."""
    trie, start = base.Trie(tokens, space), language.start(False)
    for i, spelling in enumerate(spellings):
        trie.insert(spelling, i, language.score(start, i)[1])
    trie.smear(base.SmearingMode.MAX)
    return trie


def _lexicon(lexicon: str | Sequence[str], words: Sequence[str] | None, vocabulary: Vocabulary) -> set[str]:
    """The words of a lexicon, which holds all of `words`."""
    known = _read(lexicon) if isinstance(lexicon, str) else {word: f"decode.lexicon={word}" for word in lexicon}
    for word, place in known.items():
        if len(word.split()) > 1:
            raise UserError(f"{place} holds several words: write them one by one.")
    _check(known, vocabulary)
    if missing := sorted(set(words or ()) - known.keys()):
        named = lexicon if isinstance(lexicon, str) else "[...]"
        raise UserError(
            f"decode.lexicon={named} lacks {len(missing)} words of the training transcripts, such as "
            f"{', '.join(missing[:MOST])}: add them, or leave the lexicon out."
        )
    return set(known)


def _read(path: str) -> dict[str, str]:
    """The lines of a file, each with its place."""
    try:
        lines = Path(path).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UserError(f"decode.lexicon={path} cannot be read ({why}): name a text file.") from None
    return {line.strip(): f"{path}:{number}" for number, line in enumerate(lines, 1) if line.strip()}


def _check(places: dict[str, str], vocabulary: Vocabulary) -> None:
    """Refuse words that cannot be written, by their places."""
    for word, place in sorted(places.items()):
        if why := _unwritable(word, vocabulary):
            raise UserError(f"{place}: {word!r} cannot be written ({why}): write it as transcripts are written.")


def _unwritable(word: str, vocabulary: Vocabulary) -> str:
    """Why a word cannot be written; empty where it can."""
    try:
        vocabulary.encode(word)
    except ValueError as why:
        return str(why)
    return ""


def _of_lm(path: str, words: Sequence[str] | None, vocabulary: Vocabulary) -> set[str]:
    """The words of a language model that can be written."""
    found = header(path).words
    known = {word for word in found if not _unwritable(word, vocabulary)}
    wanted = set(words or ()) or found  # without training words, all of its own should be words that can be written
    if SPACE in found:
        raise UserError(f"decode.lm={path} is of characters, and this decode takes words: choose decode=characters.")
    if 2 * len(known & wanted) < len(wanted):
        other = sorted(wanted - known)
        raise UserError(
            f"decode.lm={path} is of another vocabulary: it lacks {len(other)} of the {len(wanted)} words of this "
            f"model, such as {', '.join(other[:MOST])}; make it of texts like the training transcripts, asrx lm RUN."
        )
    return known

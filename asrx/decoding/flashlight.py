"""What the searches with flashlight-text share (Kahn et al. 2022, https://arxiv.org/abs/2201.12465)."""

from __future__ import annotations

import math
import os
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from asrx.language.arpa import Header, read_header
from asrx.types import Search, UserError, reason

LN10 = math.log(10)  # KenLM's logarithms are of base 10, and those of models natural
FAR = 20.0  # texts whose log probability is so much below the best are dropped
SURE = math.log(0.999)  # of the blank: a frame that adds nothing to any text


class FlashlightSearch(Search):
    """One utterance after the other, on one thread: flashlight holds Python's lock, and an utterance takes about a
    millisecond."""

    def __call__(
        self, logp_BTV: torch.Tensor, lengths_B: torch.Tensor, blank: int
    ) -> tuple[list[list[int]], list[float]]:
        logp_BTV = logp_BTV.float().cpu()
        answers = [self.one(logp_TV[:n], blank) for logp_TV, n in zip(logp_BTV, lengths_B.tolist(), strict=True)]
        return [ids for ids, _ in answers], [score for _, score in answers]

    @abstractmethod
    def one(self, logp_TV: torch.Tensor, blank: int) -> tuple[list[int], float]:
        """The token ids of one utterance, and its score."""

    def __deepcopy__(self, memo: dict[int, Any]) -> FlashlightSearch:
        return self  # what is C++ cannot be copied, and nothing in it changes


def decoder_module() -> Any:
    """flashlight.lib.text.decoder.

    Raises:
        UserError: it is not installed.
    """
    try:
        from flashlight.lib.text import decoder
    except ImportError as error:
        raise UserError("This decode needs flashlight-text, which is in the extra asrx[lm]: install it.") from error
    return decoder


def dictionary(words: Sequence[str]) -> Any:
    """Words by their places, and `<unk>` after them."""
    from flashlight.lib.text.dictionary import Dictionary

    found = Dictionary()
    for word in (*words, "<unk>"):
        found.add_entry(word)
    return found


def header(path: str) -> Header:
    """What an ARPA file says of itself; see `asrx.language.arpa.read_header`."""
    place = Path(path).expanduser()
    return _header(str(place), place.stat().st_mtime_ns if place.is_file() else 0)


@lru_cache(maxsize=1)
def _header(path: str, changed: int) -> Header:
    """Once for all trials of a search."""
    return read_header(Path(path))


def kenlm(path: str, words: Sequence[str]) -> Any:
    """A language model whose words are known by their places; words that it does not know are `<unk>` to it.

    Raises:
        UserError: KenLM cannot read the file.
    """
    place = Path(path).expanduser()
    return _kenlm(str(place), tuple(words), place.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _kenlm(path: str, words: tuple[str, ...], changed: int) -> Any:
    decoder_module()
    from flashlight.lib.text.decoder.kenlm import KenLM

    try:
        with _quiet():
            return KenLM(path, dictionary(words))
    except Exception as error:  # of C++, of many kinds
        raise UserError(f"{path} cannot be read by KenLM ({reason(error)}): make it anew with asrx lm.") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what C++ writes to the terminal: a bar for each model that is read."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def speaking(logp_TV: torch.Tensor, blank: int) -> tuple[torch.Tensor, float]:
    """Log probabilities without frames that are surely blank and follow such a frame, and what the frames left out
    would have added to the score of every text. One of each such stretch stays: it keeps equal characters apart."""
    sure_T = logp_TV[:, blank] > SURE
    keep_T = ~sure_T
    keep_T[1:] |= ~sure_T[:-1]
    keep_T[:1] = True
    return logp_TV[keep_T], float(logp_TV[~keep_T, blank].sum())


def best(decoder: Any, logp_TV: torch.Tensor) -> Any:
    """flashlight's best result."""
    logp_TV = logp_TV.contiguous()
    return decoder.decode(logp_TV.data_ptr(), *logp_TV.shape)[0]

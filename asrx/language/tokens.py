"""What language models are made of."""

from __future__ import annotations

SPACE = "<space>"  # an ARPA file has spaces between its tokens
KINDS = ("words", "characters")


def tokens(sentence: str, kind: str) -> list[str]:
    """The words of a sentence, or its characters.

    >>> tokens("a bc", "characters")
    ['a', '<space>', 'b', 'c']
    """
    return sentence.split() if kind == "words" else [SPACE if c == " " else c for c in sentence]

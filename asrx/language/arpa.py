r"""Language models as ARPA files, which KenLM reads: `\data\`, how many n-grams there are, and a section of each order
with the base-10 logarithms of probabilities and of shares."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TextIO

from asrx.language.kneser_ney import BEGIN, END, UNKNOWN, NGrams
from asrx.types import UserError

NEVER = -99.0  # the logarithm of the probability of `<s>`, which is given


class Header(NamedTuple):
    """How many n-grams of each order a file has, and its words, without `<s>`, `</s>` and `<unk>`."""

    sizes: list[int]
    words: set[str]


def write(model: NGrams, file: TextIO) -> None:
    """Write a model."""
    tables = [{(BEGIN,): None} | model.probabilities[0], *model.probabilities[1:]]
    file.write("\\data\\\n" + "".join(f"ngram {n}={len(table)}\n" for n, table in enumerate(tables, 1)))
    for n, table in enumerate(tables, 1):
        file.write(f"\n\\{n}-grams:\n")
        for gram, p in table.items():
            line = f"{NEVER if p is None else math.log10(p):.7g}\t{' '.join(gram)}"
            if n < len(tables):
                line += f"\t{math.log10(model.backoffs[n - 1].get(gram, 1)):.7g}"
            file.write(line + "\n")
    file.write("\n\\end\\\n")


def read_header(path: Path) -> Header:
    """The words of an ARPA file, which is looked through to its end.

    Raises:
        UserError: it is not there, is none, or is cut off.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return _header(path, (line.rstrip("\r\n") for line in file))
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}): name an ARPA file, such as asrx lm makes."
        ) from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is no ARPA file in UTF-8: name one, such as asrx lm makes.") from None


def _header(path: Path, lines: Iterable[str]) -> Header:
    r"""Sections are counted as they go by."""
    promised: list[int] = []
    found: list[int] = []
    words: set[str] = set()
    ended, first = False, True
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if first and line != "\\data\\":
            raise UserError(f"{path}:{number} is not \\data\\, with which an ARPA file begins: name one.")
        first = False
        if line == "\\end\\":
            ended = True
            break
        if match := re.fullmatch(r"ngram (\d+)\s*=\s*(\d+)\s*", line):
            promised.append(int(match[2]))
        elif re.fullmatch(r"\\\d+-grams:\s*", line):
            found.append(0)
        elif found:
            found[-1] += 1
            cells = line.split("\t")
            if len(cells) < 2:
                raise UserError(f"{path}:{number} has no tab after the probability, so it is damaged or cut off.")
            if len(found) == 1:
                words.add(cells[1])
    if not ended or found != promised or not promised:
        raise UserError(
            f"{path} is cut off: it promises {' and '.join(map(str, promised)) or 'no'} n-grams and has "
            f"{' and '.join(map(str, found)) or 'none'}{'' if ended else ', without an end'}: make it anew."
        )
    return Header(promised, words - {BEGIN, END, UNKNOWN})

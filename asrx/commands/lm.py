"""The command `python -m asrx lm TEXT... --out FILE.arpa`: an n-gram language model, for decode=lm.

    python -m asrx lm RUN_FOLDER --out an4.arpa                      # of a run's training transcripts, and no others
    python -m asrx lm talks.txt more.jsonl --order 4 --out talks.arpa    # a sentence a line; a manifest
    python -m asrx lm RUN_FOLDER --tokens characters --order 6 --out spelling.arpa    # for decode=characters

Modified Kneser-Ney smoothing, nothing pruned; all counts are held in memory. KEY=VALUE says where a run's recordings
are now, dataset.root=DIR.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from asrx.commands.answer import answered
from asrx.commands.arguments import Parser
from asrx.language.tokens import KINDS
from asrx.types import UserError

ORDERS = range(1, 11)


def main() -> None:
    """Entry point; errors are answered as `python -m asrx` does."""
    overrides: list[str] = []
    with answered(overrides):
        chosen = _arguments().parse_intermixed_args()
        overrides += [word for word in chosen.sources if "=" in word and not Path(word).exists()]
        sources = [Path(word) for word in chosen.sources if word not in overrides]
        print(lm(sources, overrides, chosen.order, chosen.tokens, chosen.keep_case, chosen.out))


def _arguments() -> Parser:
    parser = Parser("lm", __doc__)
    parser.add_argument("sources", nargs="+", metavar="TEXT|MANIFEST|RUN_FOLDER|KEY=VALUE")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.arpa")
    parser.add_argument("--order", type=int, default=3, help="the longest n-gram, 3 by default")
    parser.add_argument("--tokens", choices=KINDS, default=KINDS[0])
    parser.add_argument("--keep-case", action="store_true", help="otherwise texts are lower-cased, as CTC does")
    return parser


def lm(sources: Sequence[Path], overrides: Sequence[str], order: int, kind: str, keep_case: bool, out: Path) -> str:
    """Write a language model.

    Args:
        sources: see `asrx.data.transcripts.sentences`, as `overrides` and `keep_case`.
        order: the longest n-gram.
        kind: of tokens, `words` or `characters`.
        out: the ARPA file; one that is there already is replaced.

    Returns:
        a sentence about it.

    Raises:
        UserError: a source says nothing or cannot be read, or the file cannot be written.
    """
    from asrx.data.transcripts import sentences
    from asrx.language.arpa import write
    from asrx.language.kneser_ney import train
    from asrx.language.tokens import tokens

    if order not in ORDERS:
        raise UserError(f"--order {order} should be a whole number from {ORDERS[0]} to {ORDERS[-1]}.")
    if not sources:
        raise UserError("Name what the model is made of: a text file, a manifest or a run folder.")
    if not out.parent.is_dir():
        raise UserError(f"--out {out}: there is no folder {out.parent}; make it, or name another.")
    found = [tokens(sentence, kind) for source in sources for sentence in sentences(source, overrides, keep_case)]
    model = train(found, order)
    try:
        with out.open("w", encoding="utf-8") as file:
            write(model, file)
    except OSError as error:
        raise UserError(f"--out {out} cannot be written ({error.strerror or error}): name another file.") from error
    sizes = ", ".join(f"{len(grams):,} {n}-grams" for n, grams in enumerate(model.probabilities, 1))
    return f"{out}: {sizes} of {len(found):,} sentences, {sum(map(len, found)):,} {kind}"

"""What the test set's mistakes are: alignments, the most common errors, confusion counts, the worst utterances.

A run is judged as one of `KINDS` (the `kind` of its metrics.json). A further kind is one entry here and a template
of the same name for its section of the page.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from asrx.report.folder import Prediction, RunFolder
from asrx.types import UserError
from asrx.vocabularies.base import spoken


class Step(NamedTuple):
    """One column of an alignment; `kind` is equal, substitute, insert or delete."""

    kind: str
    reference: str
    hypothesis: str


class Judged(NamedTuple):
    """A prediction with its alignment."""

    prediction: Prediction
    steps: list[Step]

    @property
    def errors(self) -> int:
        """The number of columns that are not equal."""
        return sum(step.kind != "equal" for step in self.steps)

    @property
    def units(self) -> int:
        """The number of columns that have a reference: words, or 1 for a label."""
        return sum(step.kind != "insert" for step in self.steps)


class Confusion(NamedTuple):
    """Counts with one row per reference label and one column per hypothesis label, both in the order of `labels`."""

    labels: list[str]
    counts: list[list[int]]

    def recall(self, row: int) -> float | None:
        """The share of a reference label that was recognised, None for a label that never was a reference."""
        total = sum(self.counts[row])
        return self.counts[row][row] / total if total else None


@dataclass(frozen=True)
class Kind:
    """How one kind of result is shown.

    Args:
        figure: the first of `metrics`, from errors per unit (numbers or arrays).
        metrics: what heads the page, rates (0 to 1) or decibels, by their key in metrics.json, with their names.
        curves: those of the metrics drawn per epoch, and the title of the figure.
        align: predictions to one alignment each.
        badness: sort key, greatest for the worst utterance.
        worst: one sentence on what the worst utterances are.
        verdict: a few words on one utterance.
        table: the errors as column names and rows, for loggers.
        decibels: whether the metrics are decibels; `compare`, which ranks by errors, has no use for those.
    """

    figure: Callable[[Any], Any]
    metrics: dict[str, str]
    curves: tuple[str, ...]
    curves_title: str
    align: Callable[[Sequence[Prediction]], list[list[Step]]]
    badness: Callable[[Judged], Any]
    worst: str
    verdict: Callable[[Judged], str]
    table: Callable[[Sequence[Judged]], tuple[list[str], list[list[Any]]]]
    decibels: bool = False

    def shown(self, value: float) -> str:
        """One of the metrics as it is printed."""
        return f"{value:.2f} dB" if self.decibels else f"{100 * value:.1f} %"


def kind_of(run: RunFolder) -> Kind:
    """The kind of a run's result.

    Raises:
        UserError: metrics.json names none of `KINDS`.
    """
    name = run.metrics.get("kind")
    if name not in KINDS:
        raise UserError(f"{run.path / 'metrics.json'} has the kind {name!r}; known kinds are {', '.join(KINDS)}.")
    return KINDS[name]


def judge(kind: Kind, predictions: Sequence[Prediction]) -> list[Judged]:
    """Aligns all predictions and sorts them, the worst first."""
    judged = [Judged(*pair) for pair in zip(predictions, kind.align(predictions), strict=True)]
    return sorted(judged, key=kind.badness, reverse=True)


def common_errors(judged: Sequence[Judged]) -> dict[str, list[tuple[Step, int]]]:
    """Counts of every error, most frequent first, under substitute, insert and delete."""
    counts = Counter(step for one in judged for step in one.steps if step.kind != "equal")
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {kind: [item for item in ranked if item[0].kind == kind] for kind in ("substitute", "insert", "delete")}


def confusion(judged: Sequence[Judged]) -> Confusion:
    """Counts every reference label against every hypothesis label."""
    counts = Counter((one.prediction.reference, one.prediction.hypothesis) for one in judged)
    labels = sorted({label for pair in counts for label in pair})
    return Confusion(labels, [[counts[reference, hypothesis] for hypothesis in labels] for reference in labels])


def align_words(predictions: Sequence[Prediction]) -> list[list[Step]]:
    """The words of each reference beside those of its hypothesis, with the fewest edits (Levenshtein, by jiwer)."""
    import jiwer

    if not predictions:
        return []
    references, hypotheses = zip(*((spoken(p.reference), spoken(p.hypothesis)) for p in predictions), strict=True)
    output = jiwer.process_words(list(references), list(hypotheses))
    return [
        [step for chunk in chunks for step in _steps(chunk, reference, hypothesis)]
        for chunks, reference, hypothesis in zip(output.alignments, output.references, output.hypotheses, strict=True)
    ]


def _steps(chunk, reference: list[str], hypothesis: list[str]) -> list[Step]:
    said = reference[chunk.ref_start_idx : chunk.ref_end_idx]
    heard = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
    length = max(len(said), len(heard))
    blank = [""] * length
    return [Step(chunk.type, *pair) for pair in zip(said or blank, heard or blank, strict=True)]


def align_labels(predictions: Sequence[Prediction]) -> list[list[Step]]:
    """One column per utterance: the label as a whole is right or substituted."""
    return [
        [Step("equal" if p.reference == p.hypothesis else "substitute", p.reference, p.hypothesis)] for p in predictions
    ]


def align_decibels(predictions: Sequence[Prediction]) -> list[list[Step]]:
    """One column per mixture: its SI-SDR and that of what was made of it, which is right where it is better."""
    pairs = [(p.reference, p.hypothesis) for p in predictions]
    return [[Step("equal" if _number(made) >= _number(mixed) else "substitute", mixed, made)] for mixed, made in pairs]


def _number(text: str) -> float:
    return float(text.split()[0])


def _error_table(judged: Sequence[Judged]) -> tuple[list[str], list[list[Any]]]:
    ranked = sorted((item for items in common_errors(judged).values() for item in items), key=lambda item: -item[1])
    return ["error", "reference", "hypothesis", "count"], [[*step, count] for step, count in ranked]


def _confusion_table(judged: Sequence[Judged]) -> tuple[list[str], list[list[Any]]]:
    labels, counts = matrix = confusion(judged)
    recalls = [matrix.recall(row) for row in range(len(labels))]
    rows = [
        [label, *row, "" if recall is None else f"{recall:.1%}"]
        for label, row, recall in zip(labels, counts, recalls, strict=True)
    ]
    return ["reference", *labels, "recall"], rows


KINDS = {
    "error_rate": Kind(
        figure=lambda rate: rate,
        metrics={"wer": "Word error rate", "cer": "Character error rate"},
        curves=("wer", "cer"),
        curves_title="Error rates on the validation set",
        align=align_words,
        # among equally many errors the shorter reference was recognised worse
        badness=lambda one: (one.errors, -len(one.steps), -one.prediction.score),
        worst="The utterances with the most word errors.",
        verdict=lambda one: f"word errors: {one.errors} · log p {one.prediction.score:.1f}",
        table=_error_table,
    ),
    "classification": Kind(
        figure=lambda rate: 1 - rate,
        metrics={"accuracy": "Accuracy", "macro_f1": "Macro F1", "micro_f1": "Micro F1"},
        curves=("accuracy", "macro_f1"),
        curves_title="Accuracy and F1 on the validation set",
        align=align_labels,
        badness=lambda one: (one.errors, one.prediction.score),
        worst="The most confident mistakes: wrong answers with the highest score.",
        verdict=lambda one: f"confidence {100 * math.exp(one.prediction.score):.0f} %",
        table=_confusion_table,
    ),
    "separation": Kind(
        figure=lambda rate: rate,
        metrics={"si_sdr": "SI-SDR", "si_sdr_improvement": "SI-SDR improvement"},
        curves=("si_sdr", "si_sdr_improvement"),
        curves_title="SI-SDR on the validation set, dB",
        align=align_decibels,
        badness=lambda one: (one.errors, -one.prediction.score),
        worst="Mixtures that were better before: their SI-SDR, and below it that of what was made of them.",
        verdict=lambda one: f"{one.prediction.reference} before, {one.prediction.hypothesis} after",
        table=_error_table,
        decibels=True,
    ),
}

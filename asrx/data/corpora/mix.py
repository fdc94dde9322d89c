"""Several corpora at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from asrx.config.build import build
from asrx.data.parts import composed
from asrx.types import Corpus, UserError, Utterance


@dataclass(frozen=True)
class Mix(Corpus):
    """Corpora side by side. The ids and the speakers of each begin with the name of its part, NAME/.

    Args:
        parts: data sets by name, see `asrx.data.parts.composed`.
        cache: folder for downloads.
        sample_rate: in Hz, at which all are read.
        labelled: whether each text begins with the name of its part, `<NAME>`, such as that of its language, which the
            model then writes too; see `asrx.vocabularies.base.MARK`.
    """

    parts: dict[str, Any] | None
    cache: str
    sample_rate: int
    labelled: bool = False

    licence = "of each corpus its own"

    def prepare(self) -> list[Utterance]:
        """List the utterances of all parts, one part after the other.

        Raises:
            UserError: a part cannot be had, or is meant to be read at another rate.
        """
        found = []
        for name, cfg in composed(self.parts).items():
            if cfg.dataset.sample_rate != self.sample_rate:
                raise UserError(
                    f"dataset.parts.{name} is for {cfg.dataset.sample_rate} Hz, and dataset.sample_rate is "
                    f"{self.sample_rate}: to have it resampled, say dataset.parts.{name}.sample_rate="
                    f"{self.sample_rate}."
                )
            cfg.data_dir = self.cache
            try:
                given = build(cfg.dataset.corpus, Corpus).prepare()
            except UserError as error:
                raise UserError(f"dataset.parts.{name}: {error}") from None
            mark = f"<{name}> " if self.labelled else ""
            found += [
                replace(
                    u,
                    id=f"{name}/{u.id}",
                    text=mark + u.text,
                    speaker=u.speaker and f"{name}/{u.speaker}",
                    corpus=name,
                )
                for u in given
            ]
        return found

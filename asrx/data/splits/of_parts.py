"""Each corpus of a mix by its own protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from asrx.config.build import build
from asrx.data.parts import composed
from asrx.types import Split, UserError, Utterance


@dataclass(frozen=True)
class OfParts(Split):
    """Every part of a mix is split as it would be alone.

    Args:
        parts: see `asrx.data.corpora.mix.Mix`.
    """

    parts: dict[str, Any] | None

    official = True

    @cached_property
    def protocols(self) -> dict[str, Split]:
        """Those of the parts, by their names."""
        return {name: build(cfg.dataset.split, Split) for name, cfg in composed(self.parts).items()}

    @property
    def speaker_disjoint(self) -> bool:
        return all(protocol.speaker_disjoint for protocol in self.protocols.values())

    @property
    def has_folds(self) -> bool:
        return all(protocol.has_folds for protocol in self.protocols.values())

    def assign(self, utterances: Iterable[Utterance]) -> list[Utterance]:
        """The utterances, part after part, with `split` set.

        Raises:
            UserError: a part cannot be split like that.
        """
        return self._of_each(utterances, lambda protocol, given: protocol.assign(given))

    def fold(self, assigned: Iterable[Utterance], of: int, index: int) -> list[Utterance]:
        """The same fold of every part.

        Raises:
            UserError: a part has no such fold.
        """
        return self._of_each(assigned, lambda protocol, given: protocol.fold(given, of, index))

    def _of_each(
        self, utterances: Iterable[Utterance], divide: Callable[[Split, list[Utterance]], list[Utterance]]
    ) -> list[Utterance]:
        given, divided = list(utterances), []
        for name, protocol in self.protocols.items():
            try:
                own = divide(protocol, [_renamed(u, str.removeprefix) for u in given if u.corpus == name])
            except UserError as error:
                raise UserError(f"dataset.parts.{name}: {error}") from None
            divided += [_renamed(u, lambda text, prefix: prefix + text) for u in own]
        return divided


def _renamed(u: Utterance, change: Callable[[str, str], str]) -> Utterance:
    """The utterance with, or without, the name of its part before its id and its speaker: protocols draw by these."""
    prefix = f"{u.corpus}/"
    return replace(u, id=change(u.id, prefix), speaker=u.speaker and change(u.speaker, prefix))

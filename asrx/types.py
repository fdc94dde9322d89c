"""What travels between the rooms of asrx, and what each kind of part must offer.

Shape legend, used as name suffixes everywhere: B batch, T time (samples before the features, frames after),
F feature bins, D encoder width, U target tokens, V vocabulary, S sources of a mixture.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import torch

SPLITS = ("train", "val", "test")


class UserError(Exception):
    """Bad input, told to the user in one sentence: what (file, line or key), what is wrong, what to do.

    What cannot be printed, such as a line break in the name of a column, is written as Python escapes it.
    """

    def __str__(self) -> str:
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in super().__str__())


def reason(error: BaseException) -> str:
    """What an exception says, in a line; with its kind, where that is no more than a word."""
    said = (str(error).splitlines() or [""])[0].strip().rstrip(".!")
    return said if " " in said else f"{type(error).__name__}: {said}".rstrip(": ")


@dataclass(frozen=True)
class Utterance:
    """One stretch of speech and what was said.

    `offset` and `duration` are in seconds; a `duration` of None means to the end of the file.
    `split` is the corpus's own assignment, or None where the corpus leaves it to the split protocol.

    `tags` are what else is known of it, names and values, such as the speaker's accent.

    `corpus` is the part of a mix that it is of. Of those that are `pooled`, many stand for one label, and an epoch
    takes a few of them: see `asrx.data.drawing`.

    A copy that `augment.offline` makes carries the number of its combination in `copy` (0 is the recording itself).
    Where it is a mixture, `other` is what the second voice says, and `share` the first one's weight.
    """

    id: str
    audio: str
    text: str
    speaker: str | None = None
    split: str | None = None
    offset: float = 0.0
    duration: float | None = None
    copy: int = 0
    other: str | None = None
    share: float = 1.0
    corpus: str = ""
    pooled: bool = False
    tags: tuple[tuple[str, str], ...] = ()


class Targets(NamedTuple):
    """What was said: token ids (int64, padded with zeros) and how many of them each utterance has. Of mixtures,
    `sources_BTS` are the clean waveforms that speech was mixed of, padded with zeros."""

    ids_BU: torch.Tensor
    lengths_B: torch.Tensor
    sources_BTS: torch.Tensor | None = None

    def of(self, index_B: torch.Tensor) -> Targets:
        """Those of other utterances of the batch."""
        sources_BTS = None if self.sources_BTS is None else self.sources_BTS[index_B]
        return Targets(self.ids_BU[index_B], self.lengths_B[index_B], sources_BTS)


class Batch(NamedTuple):
    """Utterances side by side: `wave_BT` float32 in [-1, 1] padded with zeros, `lengths_B` in samples.

    `index_B` is the place of each utterance in its split. Where the part holds mixtures, `others` is what the second
    voices say and `share_B` the weight of the first. Where augmentation might leave some utterances too short for their
    targets, `least_B` says how many samples each needs (0 for one that has plenty).
    """

    wave_BT: torch.Tensor
    lengths_B: torch.Tensor
    targets: Targets
    index_B: torch.Tensor
    others: Targets | None = None
    share_B: torch.Tensor | None = None
    least_B: torch.Tensor | None = None

    def partners(self, index_B: torch.Tensor) -> Batch:
        """The targets of other utterances of the batch."""
        if self.others is None:
            return self._replace(targets=self.targets.of(index_B))
        return self._replace(
            targets=self.targets.of(index_B), others=self.others.of(index_B), share_B=self.share_B[index_B]
        )


@dataclass(frozen=True)
class Hypothesis:
    """What an objective answers for one utterance: the text, and its log probability (natural logarithm)."""

    text: str
    score: float


class Span(NamedTuple):
    """A word, from encoder frame `start` to before frame `end`, or in seconds, and the probability that it is right."""

    text: str
    start: float
    end: float
    confidence: float


@runtime_checkable
class Search(Protocol):
    """How the text of CTC is looked for in log probabilities. It is built with `labels`, the output's names but the
    blank's, and `words`, those of the training transcripts, if it names them; what else it is built with is among its
    attributes. `units` are the kinds of tokens that it can spell with, where not all do."""

    units: tuple[str, ...] = ()

    @abstractmethod
    def __call__(
        self, logp_BTV: torch.Tensor, lengths_B: torch.Tensor, blank: int
    ) -> tuple[list[list[int]], list[float]]:
        """Log probabilities, lengths in frames and the index of the blank, to token ids and a score, one of each per
        utterance."""


class TextDecoder(Protocol):
    """What turns the outputs of an objective into text.

    They are log probabilities, (B, T, V) where a text is spelt frame by frame, (B, V) where it is one label, and then
    it needs no weights: an exported model is read by the same one, and what it is built with is among its attributes,
    so that an export can name it. Or they are the encodings (B, T, D), which a network goes on with.

    Attributes:
        labels: names of the outputs.
        temperature: what log probabilities are divided by before `explain` says how sure it is.
        search: how the text is looked for, the config's `decode`.
        searches: the kinds of search that it can make.
    """

    labels: list[str]
    temperature: float
    search: Any
    searches: tuple[type, ...]

    @abstractmethod
    def __call__(self, outputs: torch.Tensor, lengths_B: torch.Tensor) -> list[Hypothesis]:
        """One answer per utterance; lengths in encoder frames."""

    @abstractmethod
    def explain(self, outputs: torch.Tensor, text: str) -> tuple[float, list[Span]]:
        """Of one utterance's outputs, without padding, and a text: how sure it is, and its words."""


class Decoded(NamedTuple):
    """What there is of an utterance in its file: int16 samples, eight bytes that name it at whatever rate or size it is
    decoded to, and what is wrong with it (empty where nothing is)."""

    samples: np.ndarray
    source: bytes
    error: str = ""


class Decoder(Protocol):
    """How the waveform store comes by the samples of a kind of file.

    Attributes:
        sample_rate: of what it decodes to, in Hz.
        key: all its settings, in words; part of the store's key.
        progress: what it does, for the progress bar.
    """

    sample_rate: int
    key: str
    progress: str

    @abstractmethod
    def decode(self, path: str, utterances: Sequence[Utterance]) -> Iterator[Decoded]:
        """Each utterance, all of them in the file `path`."""


class ResultLogger(Protocol):
    """What a logger of Lightning's must offer besides. It is built with `folder`, that of the run."""

    @abstractmethod
    def log_results(self, folder: Path, pipeline: torch.nn.Module, example: tuple[torch.Tensor, torch.Tensor]) -> None:
        """Take what it shows of a run whose folder is complete, and of its model, on the CPU in evaluation mode; with
        an utterance, (1, T) and its length."""


class Corpus(Protocol):
    """A data set. `licence` says on what terms it can be had; `decoder` reads its files where they are not sound."""

    licence: str
    decoder: Decoder | None = None

    @abstractmethod
    def prepare(self) -> list[Utterance]:
        """List the utterances.

        Raises:
            UserError: the corpus cannot be had, or is not laid out as it should be.
        """


class Split(Protocol):
    """Which utterances train, which validate, which test.

    Attributes:
        speaker_disjoint: whether no speaker is in two parts.
        official: whether the corpus's own parts are kept.
        has_folds: whether `fold` works.
    """

    speaker_disjoint: bool
    official: bool
    has_folds: bool

    @abstractmethod
    def assign(self, utterances: Iterable[Utterance]) -> list[Utterance]:
        """Answer the utterances with `split` set to train, val or test.

        Raises:
            UserError: they cannot be split like that.
        """

    @abstractmethod
    def fold(self, assigned: Iterable[Utterance], of: int, index: int) -> list[Utterance]:
        """Divide what `assign` answered anew: fold `index` of `of` validates.

        Raises:
            UserError: there is no such fold.
        """


class Augment(Protocol):
    """An augmentation of waveforms (B, T) or of frames (B, T, F), an nn.Module. `shortest` is the smallest length that
    can come out, as a share of the length that went in."""

    shortest: float = 1.0

    @abstractmethod
    def forward(self, x: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """A batch and its lengths to the same; zeros in the padding."""


class Encoder(Protocol):
    """From features to encodings, an nn.Module. It is built with `in_dim`, the feature bins F, and with `in_frames`, if
    it names that: the frames of every clip, or None where they differ. `dim` is its width D."""

    dim: int

    @abstractmethod
    def out_len(self, n_frames: Any) -> Any:
        """Number of output frames of `n_frames` frames; works on integers and on integer tensors."""

    @abstractmethod
    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, F) and lengths in frames to (B, T', D) and lengths; zeros in the padding, which changes no answer."""

    def penalty(self) -> torch.Tensor | float:
        """What is added to every utterance's loss."""
        return 0.0


@runtime_checkable
class LayeredEncoder(Encoder, Protocol):
    """An encoder with `depth` layers of one width, each of whose outputs can be listened to."""

    depth: int

    @abstractmethod
    def layered(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        """What each layer answers, (B, T', D), the last as `forward` does, and lengths."""

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        outputs, lengths_B = self.layered(frames_BTF, lengths_B)
        return outputs[-1], lengths_B


@runtime_checkable
class StreamingEncoder(Encoder, Protocol):
    """An encoder whose outputs depend on no more of the future than `lookahead` of them, and that can be run on a part
    after the other: together, whatever the parts, they give what the whole gives.

    Attributes:
        lookahead: output frames.
        step: feature frames to an output frame.
    """

    lookahead: int
    step: int

    @abstractmethod
    def begin(self, batch: int) -> list[torch.Tensor]:
        """The state before the first frame."""

    @abstractmethod
    def advance(self, frames_BTF: torch.Tensor, state: list[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The next frames (B, T, F), any number of them, to the outputs that are certain by now, (B, T', D), and the
        state after them."""

    @abstractmethod
    def end(self, state: list[torch.Tensor]) -> torch.Tensor:
        """The outputs that are left when nothing follows, (B, T', D)."""


class Objective(Protocol):
    """The task's end of the pipeline, an nn.Module: from text to targets, from encodings to a loss, and back to text.

    It is built with `in_dim`, the encoder's width D, and, if it names them, with `texts`, those of the training part,
    and `labels`, those that a checkpoint has, or None.

    Attributes:
        monitor: the validation metric that decides which checkpoint is best, unless the config names another.
        modes: of each metric, whether `min` or `max` is better.
        decoder: turns log probabilities into text; its labels are the output's names and belong to the checkpoint.
        of_mean: whether the mean of the encodings over time is all that it looks at, so that those of several readings
            can be averaged.
        writes: whether it answers with text.
        sources: clean waveforms of each mixture that it compares with; 0 for an objective that compares with text.
        views: times that each training utterance is encoded, its features augmented anew.
        inner: share of the loss while training that is taken where half of the encoder's layers have been gone through.
    """

    monitor: str
    modes: dict[str, str]
    decoder: TextDecoder
    of_mean: bool = False
    writes: bool = True
    sources: int = 0
    views: int = 1
    inner: float = 0.0

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Text to target ids. Raises ValueError, in words, where the text cannot be a target."""

    @abstractmethod
    def text(self, target: Sequence[int]) -> str:
        """Target ids back to the text they stand for, as references are written."""

    @abstractmethod
    def feasible(self, n_frames: int, target: Sequence[int]) -> bool:
        """Whether `n_frames` encoder frames can carry the target."""

    @abstractmethod
    def loss(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, targets: Targets) -> torch.Tensor:
        """One loss per utterance, (B,) float32."""

    def disagreement(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, targets: Targets) -> torch.Tensor:
        """Where there are two `views` of every utterance, the first ones and then the others: what is added to the loss
        of each for saying something else, (B,) float32."""
        raise NotImplementedError

    @abstractmethod
    def outputs(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """What `decoder` reads, float32: log probabilities, where it needs no weights."""

    def decode(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor) -> list[Hypothesis]:
        """One answer per utterance."""
        return self.decoder(self.outputs(enc_BTD, lengths_B), lengths_B)

    def judged(
        self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, batch: Batch
    ) -> tuple[list[str], list[Hypothesis]]:
        """What `metrics` compares of each utterance: what should have been answered, and what was."""
        targets = zip(batch.targets.ids_BU.tolist(), batch.targets.lengths_B.tolist(), strict=True)
        return [self.text(ids[:n]) for ids, n in targets], self.decode(enc_BTD, lengths_B)

    @abstractmethod
    def metrics(self) -> Any:
        """A fresh accumulator of (reference, hypothesis) texts: see asrx.metrics."""

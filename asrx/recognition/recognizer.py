"""From recordings to text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from asrx.recognition.answers import Piece, Transcript, Word
from asrx.recognition.engines import Engine, OnnxEngine, TorchEngine
from asrx.recognition.pauses import SpeechDetector, cuts
from asrx.recognition.sources import Recording, of_samples, read, recordings_below
from asrx.types import UserError

WINDOW = 600  # s of sound that are held and sorted at a time
BATCH_SECONDS = 160  # of a batch, padding included
STRETCH = 1.2  # the longest in a batch beside the shortest: what padding may cost


class Recognizer:
    """A trained model that takes recordings and answers what was said.

    Args:
        engine: what computes.
        longest: s; a longer recording is cut in pauses (for models that write), and each piece is recognised by itself.
    """

    def __init__(self, engine: Engine, longest: float = 20.0):
        self.engine, self.longest = engine, longest

    @property
    def sample_rate(self) -> int:
        """In Hz, of what the model hears; recordings of other rates are resampled."""
        return self.engine.sample_rate

    def __call__(self, audio: Any, rate: int | None = None) -> Transcript | list[Transcript]:
        """Recognise.

        Args:
            audio: a file's path; or samples, (T,) or (T, channels), floats in [-1, 1] or int16; or a folder, or a list
                of files and samples.
            rate: of samples, in Hz; None is that of the model.

        Returns:
            one transcript; for a folder or a list a list, in its order.

        Raises:
            UserError: a recording cannot be used.
        """
        if isinstance(audio, str | Path) and Path(audio).is_dir():
            audio = list(recordings_below(Path(audio)))
        several = isinstance(audio, list | tuple)
        found = self.transcripts(self._recording(item, rate) for item in (audio if several else [audio]))
        return list(found) if several else next(found)

    def transcripts(self, recordings: Iterable[Recording | str | Path | np.ndarray]) -> Iterator[Transcript]:
        """The transcript of each recording, file, or samples at the model's rate, in their order; ten minutes of sound
        are held at a time.

        Raises:
            UserError: a recording cannot be used.
        """
        window, seconds = [], 0.0
        for item in recordings:
            recording = item if isinstance(item, Recording) else self._recording(item, None)
            window.append(recording)
            seconds += len(recording.wave_T) / self.sample_rate
            if seconds > WINDOW:
                yield from self._recognised(window)
                window, seconds = [], 0.0
        yield from self._recognised(window)

    def piece(self, wave_T: np.ndarray, start: int) -> Piece:
        """What is said in int16 samples at the model's rate, which begin `start` samples after the beginning."""
        return self._piece(start, start + len(wave_T), *self._answers([wave_T])[0])

    def _recording(self, item: Any, rate: int | None) -> Recording:
        if isinstance(item, str | Path):
            return read(Path(item), self.sample_rate)
        return of_samples(item, rate or self.sample_rate, self.sample_rate)

    def _recognised(self, recordings: Sequence[Recording]) -> Iterator[Transcript]:
        bounds = [self._bounds(recording.wave_T) for recording in recordings]
        waves = [
            recording.wave_T[start:end] for recording, own in zip(recordings, bounds, strict=True) for start, end in own
        ]
        answers = iter(self._answers(waves))
        for recording, own in zip(recordings, bounds, strict=True):
            pieces = [self._piece(start, end, *next(answers)) for start, end in own]
            yield Transcript(recording.name, len(recording.wave_T) / self.sample_rate, pieces)

    def _bounds(self, wave_T: np.ndarray) -> list[tuple[int, int]]:
        """In samples, of the pieces of a recording."""
        duration = len(wave_T) / self.sample_rate
        if duration <= self.longest:
            return [(0, len(wave_T))]
        pieces = cuts(SpeechDetector(self.sample_rate)(wave_T, last=True), duration, self.longest)
        return [(round(start * self.sample_rate), round(end * self.sample_rate)) for start, end in pieces]

    def _answers(self, waves: Sequence[np.ndarray]) -> list[tuple[str, torch.Tensor]]:
        """The text of each piece and its log probabilities, without padding; computed in batches of like lengths."""
        lengths = np.array([len(wave) for wave in waves])
        answers: dict[int, tuple[str, torch.Tensor]] = {}
        for batch in _batches(lengths, BATCH_SECONDS * self.sample_rate, self.engine.most):
            wave_BT = torch.zeros(len(batch), int(lengths[batch].max()))
            for row, i in zip(wave_BT, batch, strict=True):
                row[: lengths[i]] = torch.from_numpy(waves[i] / np.float32(32768))
            logp, lengths_B = self.engine(wave_BT, torch.from_numpy(lengths[batch]))
            hypotheses = self.engine.decoder(logp, lengths_B)
            for i, hypothesis, own, n in zip(batch, hypotheses, logp, lengths_B.tolist(), strict=True):
                spelt = own.dim() == 2  # frame by frame, perhaps with a space at an end; a label is as it is called
                answers[i] = (hypothesis.text.strip(), own[:n]) if spelt else (hypothesis.text, own)
        return [answers[i] for i in range(len(waves))]

    def _piece(self, start: int, end: int, text: str, logp: torch.Tensor) -> Piece:
        confidence, spans = self.engine.decoder.explain(logp, text)
        begin, close, frame = start / self.sample_rate, end / self.sample_rate, self.engine.frame
        words = [
            Word(span.text, begin + span.start * frame, min(close, begin + span.end * frame), span.confidence)
            for span in spans
        ]
        return Piece(begin, close, text, confidence, words)


def _batches(lengths: np.ndarray, samples: int, most: int) -> list[list[int]]:
    """Recordings of like length side by side, at most so many samples and so many recordings."""
    batches: list[list[int]] = []
    for i in np.argsort(lengths, kind="stable").tolist():
        last = batches[-1] if batches else []
        fits = last and lengths[i] <= STRETCH * lengths[last[0]] and lengths[i] * (len(last) + 1) <= samples
        if fits and len(last) < most:
            last.append(i)
        else:
            batches.append([i])
    return batches


def load(path: str | Path, longest: float = 20.0, overrides: Sequence[str] = ()) -> Recognizer:
    """A recogniser of a trained model.

    >>> import asrx
    >>> recognizer = asrx.load("runs/RUN")  # doctest: +SKIP
    >>> recognizer("hello.wav").text  # doctest: +SKIP

    Args:
        path: a run folder, a checkpoint, or a folder of `asrx export`.
        longest: see `Recognizer`.
        overrides: of the config of a run, such as `["decode=lm", "decode.lm=talks.arpa"]`.

    Raises:
        UserError: there is no model, or it cannot be used.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path}: there is no such run folder, checkpoint or exported folder.")
    exported = (path / "config.json").exists()
    if exported and overrides:
        raise UserError(f"{path} decodes as it was exported: leave out {' '.join(overrides)}, or export it so.")
    return Recognizer(OnnxEngine(path) if exported else TorchEngine(path, overrides), longest)

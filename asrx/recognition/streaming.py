"""Recognition while someone speaks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from asrx.decoding.ctc import CTCDecoder
from asrx.features.base import Features
from asrx.recognition.answers import Piece, Word
from asrx.recognition.engines import TorchEngine
from asrx.recognition.pauses import EDGE, STEP, SpeechDetector, cuts
from asrx.recognition.recognizer import Recognizer
from asrx.training.pipeline import Pipeline
from asrx.types import StreamingEncoder, UserError

# when an utterance is over, in seconds: as in Kaldi and sherpa-onnx
NOTHING_SAID, PAUSE, LONGEST = 2.4, 1.2, 20.0
SILENCE = 0.4  # s after a piece of speech and its edge


class Heard(NamedTuple):
    """What was said so far in an utterance, which begins `start` seconds after the beginning; `final` once it is over,
    with its words then."""

    text: str
    start: float
    final: bool
    words: list[Word]


class Stream(ABC):
    """One speaker, from the first sample to the last.

    Attributes:
        delay: s, from a sound to the last answer that it can change, while the speaker goes on.
    """

    delay: float

    @abstractmethod
    def accept(self, wave_T: np.ndarray) -> list[Heard]:
        """The next samples, int16 at the model's rate, any number of them, to what is new: utterances that are over by
        now, and the one that goes on, if its text changed."""

    @abstractmethod
    def finish(self) -> list[Heard]:
        """What is left when nothing follows; the last word is not lost."""


class CausalStream(Stream):
    """Computes every frame once, with a model that looks ahead no further than it says. An utterance is over where
    nothing is written for `PAUSE` seconds, or after `LONGEST`.

    Args:
        pipeline: of a trained model, in evaluation mode.
        sample_rate: in Hz.

    Raises:
        UserError: the model needs the whole recording.
    """

    def __init__(self, pipeline: Pipeline, sample_rate: int):
        _check(pipeline)
        self.pipeline, self.frame = pipeline, pipeline.hop() / sample_rate
        self.decoder, self.frames = pipeline.objective.decoder, FrameStream(pipeline.features)
        self.state = pipeline.encoder.begin(1)
        ahead = pipeline.features.reach + pipeline.encoder.lookahead * pipeline.encoder.step
        self.delay = ahead * pipeline.features.hop / sample_rate
        self.logp_TV = torch.zeros(0, len(self.decoder.labels) + 1)  # of the utterance that goes on
        self.begun = 0  # output frames before it
        self.text = ""

    @torch.inference_mode()
    def accept(self, wave_T: np.ndarray) -> list[Heard]:
        frames_BTF = self.frames.accept(torch.from_numpy(wave_T / np.float32(32768)))
        enc_BTD, self.state = self.pipeline.encoder.advance(self._normalized(frames_BTF), self.state)
        return list(self._heard(enc_BTD))

    @torch.inference_mode()
    def finish(self) -> list[Heard]:
        enc_BTD, self.state = self.pipeline.encoder.advance(self._normalized(self.frames.finish()), self.state)
        heard = list(self._heard(torch.cat([enc_BTD, self.pipeline.encoder.end(self.state)], 1)))
        return heard + self._over(len(self.logp_TV))

    def _normalized(self, frames_BTF: torch.Tensor) -> torch.Tensor:
        return self.pipeline.features.normalized(frames_BTF, torch.tensor([frames_BTF.shape[1]]))[0]

    def _heard(self, enc_BTD: torch.Tensor) -> Iterator[Heard]:
        if not enc_BTD.shape[1]:
            return
        logp_BTV = self.pipeline.objective.outputs(enc_BTD, torch.tensor([enc_BTD.shape[1]]))
        self.logp_TV = torch.cat([self.logp_TV, logp_BTV[0]])
        while end := self._end():
            yield from self._over(end)
        text = self._decoded(self.logp_TV)
        if text != self.text:
            self.text = text
            yield Heard(text, self.begun * self.frame, False, [])

    def _end(self) -> int:
        """Frames after which the utterance is over, 0 where it goes on."""
        silent_T = self.logp_TV.argmax(1) == self.decoder.blank
        said = (~silent_T).nonzero()[:, 0]
        pause = round(PAUSE / self.frame)
        if not len(said):
            end = round(NOTHING_SAID / self.frame)
        else:
            gaps = torch.diff(said, append=torch.tensor([len(silent_T)])) - 1
            long = (gaps >= pause).nonzero()[:, 0]
            end = int(said[long[0]]) + 1 + pause if len(long) else len(silent_T) + 1
            end = min(end, round(LONGEST / self.frame))
        return end if len(silent_T) >= end else 0

    def _over(self, end: int) -> list[Heard]:
        logp_TV, self.logp_TV = self.logp_TV[:end], self.logp_TV[end:]
        begin, self.begun, self.text = self.begun, self.begun + end, ""
        text = self._decoded(logp_TV)
        if not text:
            return []
        _, spans = self.decoder.explain(logp_TV, text)
        words = [
            Word(s.text, (begin + s.start) * self.frame, (begin + s.end) * self.frame, s.confidence) for s in spans
        ]
        return [Heard(text, begin * self.frame, True, words)]

    def _decoded(self, logp_TV: torch.Tensor) -> str:
        if not len(logp_TV):
            return ""
        return self.decoder(logp_TV[None], torch.tensor([len(logp_TV)]))[0].text.strip()


class WindowStream(Stream):
    """Computes what is being said anew with every part of it: any model, at the price of that. An utterance is what
    lies between pauses, as `Recognizer` cuts long recordings, so the final texts of such are those that it gives.

    Args:
        recognizer: of any model.
    """

    def __init__(self, recognizer: Recognizer):
        self.recognizer, self.rate = recognizer, recognizer.sample_rate
        self.detector, self.delay = SpeechDetector(recognizer.sample_rate), recognizer.longest
        self.wave_T, self.speech_N = np.zeros(0, "int16"), np.zeros(0)  # what is not over
        self.begun = 0  # chunks of the detector before it
        self.text = ""

    def accept(self, wave_T: np.ndarray) -> list[Heard]:
        self.wave_T = np.concatenate([self.wave_T, wave_T])
        self.speech_N = np.concatenate([self.speech_N, self.detector(wave_T)])
        return list(self._heard(last=False))

    def finish(self) -> list[Heard]:
        self.speech_N = np.concatenate([self.speech_N, self.detector(np.zeros(0, "int16"), last=True)])
        return list(self._heard(last=True))

    def _heard(self, last: bool) -> Iterator[Heard]:
        duration = len(self.wave_T) / self.rate
        pieces, over, waits = cuts(self.speech_N, duration, self.recognizer.longest), 0.0, False
        for i, (start, end) in enumerate(pieces):
            if last or i < len(pieces) - 1 or duration - end >= SILENCE:
                piece, over, self.text = self._piece(start, end), end, ""
                if piece.text:
                    yield Heard(piece.text, piece.start, True, piece.words)
            else:
                waits, piece = True, self._piece(start, end)
                if piece.text != self.text:
                    self.text = piece.text
                    yield Heard(piece.text, piece.start, False, [])
        self._forget(over if waits else max(over, duration - 2 * EDGE))

    def _piece(self, start: float, end: float) -> Piece:
        before = round(self.begun * STEP * self.rate)
        first, last = round(start * self.rate), round(end * self.rate)
        return self.recognizer.piece(self.wave_T[first:last], before + first)

    def _forget(self, seconds: float) -> None:
        """Whole chunks of the detector that are over."""
        chunks = min(max(0, int(seconds / STEP + 1e-6)), len(self.speech_N))
        samples = round((self.begun + chunks) * STEP * self.rate) - round(self.begun * STEP * self.rate)
        self.wave_T, self.speech_N = self.wave_T[samples:], self.speech_N[chunks:]
        self.begun += chunks


def stream(recognizer: Recognizer) -> Stream:
    """The stream that a model can have: one that computes each frame once, where its encoder allows it."""
    engine = recognizer.engine
    if isinstance(engine, TorchEngine) and isinstance(engine.pipeline.encoder, StreamingEncoder):
        return CausalStream(engine.pipeline, engine.sample_rate)
    return WindowStream(recognizer)


class FrameStream:
    """The features of a waveform that arrives in parts: the same as those of the whole.

    Frames are made of what has arrived with some samples before them; those that reach past its end wait.

    Args:
        features: of which no frame depends on others that are far away.
    """

    def __init__(self, features: Features):
        self.features = features
        self.wave_T, self.first, self.given = torch.zeros(0), 0, 0  # samples kept, their first frame, frames given

    def accept(self, wave_T: torch.Tensor) -> torch.Tensor:
        """The next samples to the frames that are certain by now, (1, T, F)."""
        self.wave_T = torch.cat([self.wave_T, wave_T])
        return self._until(self.features.frames(len(self.wave_T)) - self.features.reach)

    def finish(self) -> torch.Tensor:
        """The frames that are left when nothing follows."""
        return self._until(self.features.frames(len(self.wave_T)))

    def _until(self, end: int) -> torch.Tensor:
        begin, past = self.given - self.first, self.features.past or self.features.reach
        if end <= begin or not len(self.wave_T):
            return torch.zeros(1, 0, self.features.dim)
        frames_BTF = self.features.extract(self.wave_T[None], torch.tensor([len(self.wave_T)]))[:, begin:end]
        self.given = self.first + end
        forgotten = max(0, end - past)
        self.wave_T, self.first = self.wave_T[forgotten * self.features.hop :], self.first + forgotten
        return frames_BTF


def _check(pipeline: Pipeline) -> None:
    """Raise a UserError where a model cannot answer before a recording is over."""
    if not isinstance(pipeline.encoder, StreamingEncoder):
        raise UserError(
            "this model's encoder looks at the whole recording: train with model=stream_ctc features=nemo "
            "features.normalize=corpus."
        )
    if not isinstance(pipeline.objective.decoder, CTCDecoder):
        raise UserError("a stream is written down by CTC, and this model has another objective: use model=stream_ctc.")
    features = pipeline.features
    if features.reach is None or features.normalize not in ("none", "corpus"):
        raise UserError(
            f"features.normalize={features.normalize} or its level looks at the whole recording: train with "
            "features=nemo features.normalize=corpus."
        )
    if pipeline.clip.samples is not None or pipeline.readings is not None or pipeline.enhancer is not None:
        raise UserError(
            "dataset.clip, augment.test and features.enhance look at the whole recording: train without them."
        )

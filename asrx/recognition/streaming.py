"""Recognition while someone speaks, with a model whose encoder looks ahead no further than it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from asrx.features.base import Features
from asrx.recognition.answers import Word
from asrx.training.pipeline import Pipeline
from asrx.types import StreamingEncoder, UserError

# when an utterance is over, in seconds: as in Kaldi and sherpa-onnx
NOTHING_SAID, PAUSE, LONGEST = 2.4, 1.2, 20.0


class Heard(NamedTuple):
    """What was said so far in an utterance, which begins `start` seconds after the beginning; `final` once it is over,
    with its words then."""

    text: str
    start: float
    final: bool
    words: list[Word]


class Stream:
    """One speaker, from the first sample to the last.

    Args:
        pipeline: of a trained model, in evaluation mode.
        sample_rate: in Hz.

    Raises:
        UserError: the model needs the whole recording.
    """

    def __init__(self, pipeline: Pipeline, sample_rate: int):
        check(pipeline)
        self.pipeline, self.rate, self.frame = pipeline, sample_rate, pipeline.hop() / sample_rate
        self.frames = FrameStream(pipeline.features)
        self.state = pipeline.encoder.begin(1)
        self.decoder = pipeline.objective.decoder
        self.logp_TV = torch.zeros(0, len(self.decoder.labels) + 1)  # of the utterance that goes on
        self.begun = 0  # output frames before it
        self.text = ""

    @torch.inference_mode()
    def accept(self, wave_T: np.ndarray) -> list[Heard]:
        """The next samples, float32 in [-1, 1], any number of them, to what is new: utterances that are over by now,
        and the one that goes on, if its text changed."""
        frames_BTF = self.frames.accept(torch.from_numpy(wave_T))
        enc_BTD, self.state = self.pipeline.encoder.advance(self._normalized(frames_BTF), self.state)
        return list(self._heard(enc_BTD))

    @torch.inference_mode()
    def finish(self) -> list[Heard]:
        """What is left when nothing follows; the last word is not lost."""
        enc_BTD, self.state = self.pipeline.encoder.advance(self._normalized(self.frames.finish()), self.state)
        heard = list(self._heard(torch.cat([enc_BTD, self.pipeline.encoder.end(self.state)], 1)))
        return heard + self._over(len(self.logp_TV))

    def _normalized(self, frames_BTF: torch.Tensor) -> torch.Tensor:
        return self.pipeline.features.normalized(frames_BTF, torch.tensor([frames_BTF.shape[1]]))[0]

    def _heard(self, enc_BTD: torch.Tensor) -> Iterator[Heard]:
        if not enc_BTD.shape[1]:
            return
        logp_TV = self.pipeline.objective.log_probabilities(enc_BTD, torch.tensor([enc_BTD.shape[1]]))[0]
        self.logp_TV = torch.cat([self.logp_TV, logp_TV])
        while end := self._end():
            yield from self._over(end)
        text = self._decoded(self.logp_TV)
        if text != self.text:
            self.text = text
            yield Heard(text, self.begun * self.frame, False, [])

    def _end(self) -> int:
        """Frames after which the utterance is over, 0 where it goes on."""
        silent_T = self.logp_TV.argmax(1) == self.decoder.blank
        said = (~silent_T).nonzero()
        if not len(said):
            rule = NOTHING_SAID
            end = round(rule / self.frame)
        else:
            gaps = torch.diff(said[:, 0], append=torch.tensor([len(silent_T)])) - 1
            long = (gaps >= PAUSE / self.frame).nonzero()
            end = int(said[long[0, 0], 0]) + round(PAUSE / self.frame) if len(long) else round(LONGEST / self.frame)
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
        begin, reach = self.given - self.first, self.features.reach
        if end <= begin or not len(self.wave_T):
            return torch.zeros(1, 0, self.features.dim)
        frames_BTF = self.features.extract(self.wave_T[None], torch.tensor([len(self.wave_T)]))[:, begin:end]
        self.given = self.first + end
        forgotten = max(0, end - reach)
        self.wave_T, self.first = self.wave_T[forgotten * self.features.hop :], self.first + forgotten
        return frames_BTF


def check(pipeline: Pipeline) -> None:
    """Raise a UserError where a model cannot answer before a recording is over."""
    if not isinstance(pipeline.encoder, StreamingEncoder):
        raise UserError(
            "this model's encoder looks at the whole recording: train with model=stream_ctc features=nemo "
            "features.normalize=corpus."
        )
    features = pipeline.features
    if features.reach is None or features.normalize not in ("none", "corpus"):
        raise UserError(
            f"features.normalize={features.normalize} or its level looks at the whole recording: train with "
            "features=nemo features.normalize=corpus."
        )
    if pipeline.clip.samples is not None or pipeline.readings is not None:
        raise UserError("dataset.clip and augment.test look at the whole recording: train without them.")

"""The model without its training: from waveforms to encodings and answers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import torch
from omegaconf import DictConfig
from torch import nn

from asrx.augment import tried
from asrx.config.build import build
from asrx.config.components import find
from asrx.features.base import Features
from asrx.features.clip import Clip
from asrx.features.enhancer import Enhancer
from asrx.features.tried import features_of
from asrx.masking import mean
from asrx.types import Encoder, Objective, Search, UserError
from asrx.vocabularies.base import Vocabulary
from asrx.vocabularies.characters import CharacterVocabulary


class Pipeline(nn.Module):
    """Clip, enhancer, features, encoder and objective.

    Args:
        clip: brings all utterances to one length.
        features, encoder, objective: what each must offer stands in asrx.features.base and asrx.types.
        readings: (wave_BT, lengths_B) -> a list of the same, whose encodings are averaged where nothing is trained; for
            objectives that look at the mean of the encodings. None reads an utterance as it is.
        enhancer: cleans waveforms before features are made of them; None leaves them as they are.
    """

    def __init__(
        self,
        clip: Clip,
        features: Features,
        encoder: Encoder,
        objective: Objective,
        readings: nn.Module | None = None,
        enhancer: Enhancer | None = None,
    ):
        super().__init__()
        self.clip, self.features, self.encoder, self.objective = clip, features, encoder, objective
        self.readings, self.enhancer = readings, enhancer

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Waveforms and lengths in samples to encodings (B, T, D) and lengths in encoder frames; one encoding of each
        utterance where there are several readings of it."""
        if self.readings is None:
            return self._encoded(wave_BT, lengths_B)
        means_RBD = torch.stack([mean(*self._encoded(*reading)) for reading in self.readings(wave_BT, lengths_B)])
        return means_RBD.mean(0)[:, None], torch.ones_like(lengths_B)

    def _encoded(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.encoder(*self.frames(wave_BT, lengths_B))

    def frames(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Waveforms and lengths in samples to what the encoder sees (B, T, F), and lengths in frames."""
        return self.features(*self.heard(wave_BT, lengths_B))

    def heard(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Waveforms and lengths in samples to those that features are made of."""
        wave_BT, lengths_B = self.clip(wave_BT, lengths_B)
        return wave_BT if self.enhancer is None else self.enhancer(wave_BT, lengths_B), lengths_B

    def out_len(self, n_samples: int) -> int:
        """Encoder frames of `n_samples` samples."""
        return self.encoder.out_len(self.features.frames(self.clip.out_len(n_samples)))

    def hop(self) -> float:
        """Samples from one encoder frame to the next."""
        stretch = self.clip.samples or 55_440 * self.features.hop  # what every step divides
        return stretch / (self.out_len(2 * stretch) - self.out_len(stretch) or self.out_len(stretch))


def build_pipeline(
    cfg: DictConfig,
    texts: Sequence[str] = (),
    labels: Sequence[str] | None = None,
    words: Sequence[str] | None = None,
    vocabulary: dict[str, Any] | None = None,
    enhancer: dict[str, Any] | None = None,
) -> Pipeline:
    """The pipeline that a config describes, with fresh weights.

    Args:
        cfg: the composed config.
        texts: of the training part.
        labels: of a checkpoint, which needs no texts.
        words: of the training part, where there are no texts.
        vocabulary: of a checkpoint, see `vocabulary_of`; None where it is of an earlier version, and writes characters.
        enhancer: of a checkpoint that has its weights, see `Enhancer`.

    Raises:
        UserError: the parts do not fit together.
    """
    rate = cfg.dataset.sample_rate
    clip = Clip(rate, **cfg.dataset.clip)
    features = features_of(cfg.features, rate)
    if cfg.augment.test and not features.of_sound:
        raise UserError("augment.test is for sound, and features=image has pixels: leave it out.")
    in_frames = None if clip.samples is None else features.frames(clip.samples)
    encoder = build(cfg.model.encoder, nn.Module, Encoder, in_dim=features.dim, in_frames=in_frames)
    kept = None if labels is None else build(vocabulary, Vocabulary) if vocabulary else CharacterVocabulary(labels)
    known = {"in_dim": encoder.dim, "texts": texts, "labels": labels, "kept": kept}
    objective = build(cfg.model.objective, nn.Module, Objective, **known)
    if cfg.augment.test and not objective.of_mean:
        raise UserError("augment.test averages answers of one label an utterance: use it with cross_entropy.")
    set_search(cfg.decode, objective, words_of(objective, texts) if texts else words)
    readings = tried.at_test_time(cfg.augment.test, "augment.test", rate) if cfg.augment.test else None
    return Pipeline(clip, features, encoder, objective, readings, _enhancer(cfg, features, enhancer))


def _enhancer(cfg: DictConfig, features: Features, made_of: dict[str, Any] | None) -> Enhancer | None:
    node = cfg.features.get("enhance")  # runs of earlier versions do not have it
    if node and not features.of_sound:
        raise UserError("features.enhance is for sound, and features=image has pixels: leave it out.")
    return build(node, Enhancer, made_of=made_of) if node else None


def set_search(node: DictConfig, objective: Objective, words: Sequence[str] | None) -> None:
    """Let the decoder of an objective look for texts as the config's `decode` says.

    Args:
        node: of the config.
        objective: whose decoder it is.
        words: of the training part; None where they are not known.

    Raises:
        UserError: it cannot be made, or is none of the decoder's kinds.
    """
    decoder = objective.decoder
    vocabulary, units = getattr(objective, "vocabulary", None), find(node["_target_"], Search).units
    if vocabulary and units and vocabulary.unit not in units:
        raise UserError(
            f"decode's {node['_target_'].rpartition('.')[2]} spells with {' or '.join(units)}, and this model writes "
            f"{vocabulary.unit}: use decode=greedy or decode=beam."
        )
    search = build(node, Search, labels=decoder.labels, words=words, vocabulary=vocabulary)
    if not isinstance(search, decoder.searches):
        able = " or ".join(f"decode={kind.__name__.lower()}" for kind in decoder.searches)
        raise UserError(f"{type(decoder).__name__} cannot make decode's {type(search).__name__}: use {able}.")
    decoder.search = search


def vocabulary_of(objective: Objective) -> dict[str, Any] | None:
    """What a checkpoint keeps of the vocabulary of transcripts: all that it takes to make it again. None for labels."""
    vocabulary = getattr(objective, "vocabulary", None)
    return vocabulary and vocabulary.node()


def words_of(objective: Objective, texts: Sequence[str]) -> list[str]:
    """The different words of transcripts, as the objective writes them; what it cannot write is left out."""
    words: set[str] = set()
    for text in texts:
        with suppress(ValueError):
            words.update(objective.text(objective.encode(text)).split())
    return sorted(words)

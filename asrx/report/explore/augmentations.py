"""Features as the model sees them, before and after each augmentation of a config."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf

from asrx.augment import tried
from asrx.data.store import Store
from asrx.features.clip import Clip as Cut
from asrx.features.tried import features_of
from asrx.report.audio import Clip, loudest, picture_png, spectrogram_png
from asrx.report.document import data_uri
from asrx.report.explore.examples import player, stored
from asrx.report.figures import outline

DRAWS = 20  # at most, until an augmentation changes an example
SECONDS = 1.5  # at most, of each example that an augmentation of waveforms is tried on
COLUMNS = 600  # of a picture of features
FITTED = 200  # training utterances that features with normalize=corpus are fitted to


class Tile(NamedTuple):
    """A small picture (a data URI) or an outline (SVG points); `share` is its length as a share of its column."""

    image: str | None
    outline: str | None
    share: float
    caption: str


class Pair(NamedTuple):
    """An example before and after an augmentation; `player` plays what came out, `note` says how it was drawn."""

    before: Tile
    after: Tile
    player: str | None
    note: str


class Mixed(NamedTuple):
    """Two examples and what mixup makes of them: `weight` times the first, the rest of the second."""

    first: Tile
    second: Tile
    blend: Tile
    weight: float


class Gallery(NamedTuple):
    """Everything that is shown of the features and augmentations; `dim` is the number of feature bins."""

    dim: int
    features: list[Tile]
    augmentations: list[tuple[str, str, list[Pair]]]
    mixed: Mixed | None


@torch.no_grad()
def gallery(cfg: DictConfig, store: Store, training: Sequence[int], places: Sequence[int], sound: bool) -> Gallery:
    """Run examples through the config's features, and through each of its augmentations on its own.

    Args:
        cfg: the composed config.
        store: of the corpus.
        training: places of the training utterances that can be used.
        places: of the examples.
        sound: whether the store holds sound, which is shown as spectrograms and played; otherwise it is images.

    Raises:
        UserError: the config's features or augmentations cannot be made.
    """
    cut = Cut(cfg.dataset.sample_rate, **cfg.dataset.clip)
    features = features_of(cfg.features, cfg.dataset.sample_rate).eval()
    if features.normalize == "corpus":
        sample = np.array(training)[:: -(-len(training) // FITTED)]
        features.fit(cut(*_wave(store, place)) for place in sample)

    def seen(wave_1T: torch.Tensor, lengths_1: torch.Tensor) -> torch.Tensor:
        frames_1TF, lengths_1 = features(*cut(wave_1T, lengths_1))
        return frames_1TF[:, : int(lengths_1)]

    waves = [_wave(store, place) for place in places]
    frames = [seen(*wave) for wave in waves]
    augmentations = []
    for place, node in _wave_augmentations(cfg):
        torch.manual_seed(cfg.seed)  # some draw what they do when they are made
        module = tried.on_waves(node, place, cfg.dataset.sample_rate).eval()
        if sound:
            clips = [stored(store, place, SECONDS) for place in places]
            pairs = [
                _heard(*_drawn(module, torch.from_numpy(c.wave)[None], i, cfg.seed), c) for i, c in enumerate(clips)
            ]
        else:
            pairs = []
            for i, ((wave_1T, _), before) in enumerate(zip(waves, frames, strict=True)):
                after_1T, note = _drawn(module, wave_1T, i, cfg.seed)
                pairs.append(_compared(before, seen(after_1T, torch.tensor([after_1T.shape[1]])), note))
        augmentations.append((_described(node), "waveforms", pairs))
    for i, node in enumerate(_plain(cfg.augment.frames)):
        torch.manual_seed(cfg.seed)
        module = tried.on_frames(node, f"augment.frames.{i}", features.dim).eval()
        pairs = [_compared(x, *_drawn(module, x, i, cfg.seed)) for i, x in enumerate(frames)]
        augmentations.append((_described(node), "features", pairs))
    mixup = None
    if cfg.augment.mixup and len(frames) > 1:
        torch.manual_seed(cfg.seed)
        mixup = tried.on_pairs(_plain(cfg.augment.mixup), "augment.mixup").eval()
    return Gallery(
        features.dim,
        [_tiles(x)[0] for x in frames],
        augmentations,
        _mixed(mixup, frames, cfg.seed) if mixup else None,
    )


def _plain(node: Any) -> Any:
    return OmegaConf.to_container(node, resolve=True)


def _wave_augmentations(cfg: DictConfig) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those drawn anew in every epoch, and those that copies are made with before training, each with its place."""
    for i, node in enumerate(_plain(cfg.augment.wave)):
        yield f"augment.wave.{i}", node
    for i, stage in enumerate(_plain(cfg.augment.offline.stages)):
        yield from ((f"augment.offline.stages.{i}.{j}", node) for j, node in enumerate(stage) if node)


def _described(node: dict[str, Any]) -> str:
    arguments = ", ".join(f"{name}={value}" for name, value in node.items() if not name.startswith("_"))
    return f"{node['_target_'].rpartition('.')[2]}({arguments})"


def _wave(store: Store, place: int) -> tuple[torch.Tensor, torch.Tensor]:
    wave_1T, lengths_1 = store.gather(np.array([place]))
    return torch.from_numpy(wave_1T), torch.from_numpy(lengths_1)


def _seeds(seed: int, example: int) -> Iterator[int]:
    for draw in range(DRAWS):
        torch.manual_seed(seed + DRAWS * example + draw)
        yield draw


def _drawn(module: Callable, x_1T: torch.Tensor, example: int, seed: int) -> tuple[torch.Tensor, str]:
    """(1, T) or (1, T, F) after an augmentation, drawn until it changes something, and how often it was drawn."""
    for draw in _seeds(seed, example):
        after_1T, lengths_1 = module(x_1T, torch.tensor([x_1T.shape[1]]))
        after_1T = after_1T[:, : int(lengths_1)]
        if after_1T.shape != x_1T.shape or not torch.equal(after_1T, x_1T):
            return after_1T, f"at draw {draw + 1}" if draw else ""
    return x_1T, f"unchanged in {DRAWS} draws"


def _heard(after_1T: torch.Tensor, note: str, before: Clip) -> Pair:
    """Spectrograms of one scale, and a player."""
    after = Clip(after_1T[0].numpy(), before.rate, after_1T.shape[1] / before.rate)
    clips, full = (before, after), loudest((before, after))
    longest = max(len(clip.wave) for clip in clips)
    tiles = [
        Tile(
            data_uri("image/png", spectrogram_png(clip, columns=300, full=full)),
            None,
            len(clip.wave) / longest,
            f"{len(clip.wave) / clip.rate:.2f} s",
        )
        for clip in clips
    ]
    return Pair(*tiles, player(after), note)


def _compared(before_1TF: torch.Tensor, after_1TF: torch.Tensor, note: str) -> Pair:
    return Pair(*_tiles(before_1TF, after_1TF), None, note)


def _mixed(mixup: Callable, frames: Sequence[torch.Tensor], seed: int) -> Mixed:
    """The first example that a draw gives another partner than itself."""
    lengths_B = torch.tensor([x.shape[1] for x in frames])
    frames_BTF = torch.nn.utils.rnn.pad_sequence([x[0] for x in frames], batch_first=True)
    for _ in _seeds(seed, 0):
        mix = mixup(len(frames), frames_BTF.device)
        others = (mix.partner_B != torch.arange(len(frames))).nonzero()[:, 0].tolist()
        if others:
            break
    one = others[0]
    blend_BTF, longer_B = mix.blend(frames_BTF, lengths_B)
    tiles = _tiles(frames[one], frames[int(mix.partner_B[one])], blend_BTF[one : one + 1, : int(longer_B[one])])
    return Mixed(*tiles, float(mix.weight_B[one]))


def _tiles(*frames: torch.Tensor) -> list[Tile]:
    """Pictures of features, each (1, T, F), on one scale of values and of time; of one bin, outlines."""
    longest = max(x_1TF.shape[1] for x_1TF in frames)
    values = torch.cat([x_1TF.flatten() for x_1TF in frames])
    low, high = float(values.min()), float(values.max())
    tiles = []
    for x_1TF in frames:
        x_FT = x_1TF[0].T.numpy()
        size = {"share": x_FT.shape[1] / longest, "caption": f"{x_FT.shape[1]:,} frames"}
        if len(x_FT) == 1:
            tiles.append(Tile(None, outline(x_FT[0], max(-low, high, 1e-9)), **size))
        else:
            x_FT = x_FT[:, :: -(-x_FT.shape[1] // COLUMNS)]
            image = picture_png((x_FT - low) / max(high - low, 1e-9))
            tiles.append(Tile(data_uri("image/png", image), None, **size))
    return tiles

"""A network that spells: token after token, looking at encodings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

from asrx.masking import valid
from asrx.models.attention import SelfAttention, feed_forward
from asrx.types import UserError

Pair = tuple[torch.Tensor, torch.Tensor]


class Spelt(NamedTuple):
    """What the next token of N texts depends on: which frames are real (N, 1, 1, T), and of each layer keys and values
    (N, H, T, E) of the encodings, and (N, H, U, E) of the tokens so far (None before the first)."""

    keep: torch.Tensor
    heard: list[Pair]
    past: list[Sequence[torch.Tensor]]

    def of(self, place_N: torch.Tensor) -> Spelt:
        """That of texts of the same utterances, each of which goes on from the one at its place."""
        return self._replace(past=[(key[place_N], value[place_N]) for key, value in self.past])


class TransformerDecoder(nn.Module):
    """The decoder of Vaswani et al. 2017 (https://arxiv.org/abs/1706.03762), normalised before each part, whose tokens
    have rotary positions and whose encodings have theirs of sines added.

    Args:
        in_dim: width of the encodings.
        tokens: V, how many there are; one more, the last, begins and ends a text.
        width: D of its layers.
        heads: of attention.
        layers: how many.
        expansion: units within a feed-forward part, as a multiple of the width.
        dropout: everywhere.

    Raises:
        UserError: the heads do not divide the width.
    """

    def __init__(self, in_dim: int, tokens: int, width: int, heads: int, layers: int, expansion: int, dropout: float):
        super().__init__()
        if width % (2 * heads):
            raise UserError(f"model.objective.width={width} should be an even multiple of heads={heads}.")
        self.end = tokens
        self.embedding = nn.Embedding(tokens + 1, width)
        self.dropout = nn.Dropout(dropout)
        self.inwards = nn.Linear(in_dim, width)
        self.layers = nn.ModuleList(Layer(width, heads, expansion, dropout) for _ in range(layers))
        self.last = nn.LayerNorm(width)
        self.head = nn.Linear(width, tokens + 1)

    def forward(
        self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, ids_BU: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Encodings, their lengths and texts to the logits of each next token, (B, U + 1, V + 1), and to how much each
        looks at each frame, the mean of layers and heads, (B, U + 1, T)."""
        x_BUD = self.dropout(self.embedding(torch.cat([ids_BU.new_full((len(ids_BU), 1), self.end), ids_BU], 1)))
        keep_B11T = valid(lengths_B, enc_BTD.shape[1])[:, None, None]
        before_UU = torch.ones(x_BUD.shape[1], x_BUD.shape[1], dtype=torch.bool, device=ids_BU.device).tril()
        places_BTD, looks = self._placed(enc_BTD), []
        for layer in self.layers:
            x_BUD, look_BUT = layer(x_BUD, before_UU, layer.source.remember(places_BTD), keep_B11T)
            looks.append(look_BUT)
        return self.head(self.last(x_BUD)), torch.stack(looks).mean(0)

    def begin(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, texts: int) -> Spelt:
        """Before the first token, for so many texts of each utterance, which stand side by side."""
        places_BTD = self._placed(enc_BTD).repeat_interleave(texts, 0)
        keep_B11T = valid(lengths_B.repeat_interleave(texts), enc_BTD.shape[1])[:, None, None]
        return Spelt(keep_B11T, [layer.source.remember(places_BTD) for layer in self.layers], [()] * len(self.layers))

    def advance(self, ids_N: torch.Tensor, spelt: Spelt) -> tuple[torch.Tensor, Spelt]:
        """The last token of each text to the logits of the next, (N, V + 1)."""
        x_N1D, past = self.embedding(ids_N)[:, None], []
        for layer, heard, before in zip(self.layers, spelt.heard, spelt.past, strict=True):
            x_N1D, after = layer.advance(x_N1D, before, heard, spelt.keep)
            past.append(after)
        return self.head(self.last(x_N1D))[:, 0], spelt._replace(past=past)

    def _placed(self, enc_BTD: torch.Tensor) -> torch.Tensor:
        x_BTD = self.inwards(enc_BTD)
        pace = 10_000 ** -(torch.arange(0, x_BTD.shape[2], 2, device=x_BTD.device) / x_BTD.shape[2])
        angles = torch.arange(x_BTD.shape[1], device=x_BTD.device)[:, None] * pace
        return x_BTD + torch.cat([angles.sin(), angles.cos()], 1).to(x_BTD.dtype)


class Layer(nn.Module):
    """Attention to the tokens before, attention to the encodings, and a feed-forward part, each added to what it is
    given."""

    def __init__(self, width: int, heads: int, expansion: int, dropout: float):
        super().__init__()
        self.norm, self.source_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads, dropout)
        self.source = SourceAttention(width, heads, dropout)
        self.dropout = nn.Dropout(dropout)
        self.after = feed_forward(width, expansion, dropout)

    def forward(
        self, x_BUD: torch.Tensor, before_UU: torch.Tensor, heard: Pair, keep_B11T: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, U, D) to the same, and how much each token looks at each frame, (B, U, T)."""
        return self._rest(x_BUD, self.attention(self.norm(x_BUD), before_UU), heard, keep_B11T)

    def advance(
        self, x_B1D: torch.Tensor, past: Sequence[torch.Tensor], heard: Pair, keep_B11T: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The next token, (B, 1, D), and keys and values of those before it, to the same."""
        own_B1D, past = self.attention.advance(self.norm(x_B1D), past)
        return self._rest(x_B1D, own_B1D, heard, keep_B11T)[0], past

    def _rest(
        self, x_BUD: torch.Tensor, own_BUD: torch.Tensor, heard: Pair, keep_B11T: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        x_BUD = x_BUD + self.dropout(own_BUD)
        source_BUD, look_BUT = self.source(self.source_norm(x_BUD), heard, keep_B11T)
        x_BUD = x_BUD + self.dropout(source_BUD)
        return x_BUD + self.after(x_BUD), look_BUT


class SourceAttention(nn.Module):
    """Multi-head attention of tokens to encodings."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.ask = nn.Linear(width, width)
        self.inwards = nn.Linear(width, 2 * width)
        self.outwards = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def remember(self, places_BTD: torch.Tensor) -> Pair:
        """Keys and values of encodings, (B, H, T, E)."""
        key, value_BHTE = self.inwards(places_BTD).unflatten(2, (2, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        return key, value_BHTE

    def forward(self, x_BUD: torch.Tensor, heard: Pair, keep_B11T: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, U, D) to what is heard, and where, (B, U, T)."""
        query_BHUE = self.ask(x_BUD).unflatten(2, (self.heads, -1)).transpose(1, 2)
        scores_BHUT = query_BHUE @ heard[0].transpose(2, 3) / query_BHUE.shape[3] ** 0.5
        look_BHUT = scores_BHUT.masked_fill(~keep_B11T, -torch.inf).softmax(-1)
        x_BHUE = self.dropout(look_BHUT) @ heard[1]
        return self.outwards(x_BHUE.transpose(1, 2).flatten(2)), look_BHUT.mean(1)

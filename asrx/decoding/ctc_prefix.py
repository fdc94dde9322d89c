"""What CTC says of the texts that begin in a certain way."""

from __future__ import annotations

import torch

from asrx.masking import valid

NEVER = -1e4  # log probability that stands for none; sums of it stay finite


class CTCPrefix:
    """Log probabilities of prefixes (Watanabe et al. 2017, https://doi.org/10.1109/JSTSP.2017.2763455, algorithm 2),
    of N texts side by side, one token longer with every `advance`.

    A frame's recursion r[t] = (r[t-1] + phi[t-1]) p[t] is a sum over the frames before, which is taken for all frames
    at once: log r[t] = P[t] + logsumexp over s <= t of (phi[s-1] - P[s-1]), where P sums log p.

    Args:
        logp_NTV: log probabilities of CTC. lengths_N: in frames. blank: its index in V.
    """

    def __init__(self, logp_NTV: torch.Tensor, lengths_N: torch.Tensor, blank: int):
        n, t, v = logp_NTV.shape
        silence_V = logp_NTV.new_full((v,), NEVER, dtype=torch.float64)
        silence_V[blank] = 0  # after its end an utterance says blank for certain, which changes nothing
        self.logp_NTV = torch.where(valid(lengths_N, t)[:, :, None], logp_NTV.double().clamp(min=NEVER), silence_V)
        self.blank = blank
        # of the text so far, up to each frame, 0 to T: alignments that end in a blank, and in its last token
        self.blank_NT = torch.cat([logp_NTV.new_zeros(n, 1).double(), self.logp_NTV[:, :, blank].cumsum(1)], 1)
        self.token_NT = torch.full_like(self.blank_NT, NEVER * (t + 1))
        self.last_N = torch.full((n,), blank, device=logp_NTV.device)

    def whole(self) -> torch.Tensor:
        """Of the texts as they are, (N,)."""
        return torch.logaddexp(self.blank_NT[:, -1], self.token_NT[:, -1])

    def longer(self, ids_NC: torch.Tensor) -> torch.Tensor:
        """Of all texts that go on with each of these tokens, (N, C)."""
        return (self._ready(ids_NC) + self._said(ids_NC)).logsumexp(2)

    def advance(self, place_N: torch.Tensor, ids_N: torch.Tensor) -> None:
        """Go on from the text at each place, with a token each."""
        self.blank_NT, self.token_NT, self.last_N = (x[place_N] for x in (self.blank_NT, self.token_NT, self.last_N))
        token_NT = _paths(self._ready(ids_N[:, None])[:, 0], self._said(ids_N[:, None])[:, 0])
        self.blank_NT = _paths(token_NT[:, :-1], self.logp_NTV[:, :, self.blank])
        self.token_NT, self.last_N = token_NT, ids_N

    def _ready(self, ids_NC: torch.Tensor) -> torch.Tensor:
        """Before each frame: alignments after which the token is a new one, (N, C, T)."""
        either_NT = torch.logaddexp(self.blank_NT, self.token_NT)
        again_NC1 = (ids_NC == self.last_N[:, None])[:, :, None]
        return torch.where(again_NC1, self.blank_NT[:, None], either_NT[:, None])[:, :, :-1]

    def _said(self, ids_NC: torch.Tensor) -> torch.Tensor:
        """Of the tokens in each frame, (N, C, T)."""
        return self.logp_NTV.gather(2, ids_NC[:, None].expand(-1, self.logp_NTV.shape[1], -1)).transpose(1, 2)


def _paths(ready_NT: torch.Tensor, logp_NT: torch.Tensor) -> torch.Tensor:
    """Of alignments that are in a state, (N, T + 1), from those that enter it and what it says in each frame."""
    whole_NT = logp_NT.cumsum(1)
    inside_NT = whole_NT + (ready_NT - whole_NT + logp_NT).logcumsumexp(1)
    never_N1 = torch.full_like(inside_NT[:, :1], NEVER * (inside_NT.shape[1] + 1))
    return torch.cat([never_N1, inside_NT], 1)

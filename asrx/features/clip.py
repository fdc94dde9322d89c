"""Clips of one length."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from asrx.types import UserError

PADDINGS = ("end", "edges")


class Clip(nn.Module):
    """Cut or pad every utterance to the same number of samples, for models that need it.

    Args:
        sample_rate: of the waveforms, in Hz.
        seconds: of every clip; None leaves the utterances as they are.
        padding: `end`, zeros after a shorter utterance; or `edges`, its first and last sample repeated on both sides,
            half of what is missing on each (numpy's `edge` mode).
        masked: whether the lengths go on to say where the padding begins (`end` only), so that models leave it out;
            otherwise padding counts as sound.

    Raises:
        UserError: an unknown padding, one that cannot be masked, or clips of no length.
    """

    def __init__(self, sample_rate: int, seconds: float | None, padding: str = "end", masked: bool = True):
        super().__init__()
        if padding not in PADDINGS:
            raise UserError(f"dataset.clip.padding={padding} is none of {', '.join(PADDINGS)}.")
        if seconds is not None and not (isinstance(seconds, int | float) and seconds > 0):
            raise UserError(f"dataset.clip.seconds={seconds} should be a number above 0, such as 1.0.")
        if seconds is not None and masked and padding == "edges":
            raise UserError("dataset.clip.padding=edges pads on both sides, which needs dataset.clip.masked=false.")
        self.samples = None if seconds is None else max(1, round(seconds * sample_rate))
        self.padding, self.masked = padding, masked

    def out_len(self, n_samples):
        """Number of samples that count of `n_samples`; works on integers and on integer tensors."""
        if self.samples is None:
            return n_samples
        if not self.masked:
            return n_samples * 0 + self.samples
        return n_samples.clamp_max(self.samples) if torch.is_tensor(n_samples) else min(n_samples, self.samples)

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T) and lengths to (B, samples) and the lengths that count."""
        if self.samples is None:
            return wave_BT, lengths_B
        if self.padding == "edges":
            before_B1 = (self.samples - lengths_B[:, None]).clamp_min(0) // 2
            at_BT = torch.arange(self.samples, device=wave_BT.device) - before_B1
            wave_BT = wave_BT.gather(1, at_BT.clamp_min(0).minimum(lengths_B[:, None] - 1))
        else:
            wave_BT = functional.pad(wave_BT, (0, self.samples))[:, : self.samples]
        return wave_BT, self.out_len(lengths_B)

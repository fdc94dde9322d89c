"""A U-Net that masks spectrograms."""

from __future__ import annotations

import torch
from torch import nn

from asrx.masking import zero_padding
from asrx.models.stft import Stft
from asrx.models.waveforms import check_samples, level
from asrx.types import Encoder, UserError

FLOOR = 1e-3  # added to magnitudes of speech of power one before the logarithm


class UNet(nn.Module, Encoder):
    """A U-Net (Jansson et al. 2017, https://archives.ismir.net/ismir2017/paper/000171.pdf) on log magnitudes, whose
    masks, from 0 to 1, are laid over the spectrum of the mixture: (B, T samples, 1) to (B, T samples, sources).

    Every layer on the way down halves time and frequency and the one on the way up that doubles them again sees what
    was there before. The mixture's phase is kept, and its level does not matter.

    Args:
        in_dim: feature bins F, which are samples: 1.
        sources: waveforms that are made.
        n_fft: window of the spectra in samples; half of it is the hop.
        channels: of each layer on the way down.
        dropout: share of the channels at the bottom that are left out.

    Raises:
        UserError: features that are no samples, a window that is odd, or no channels.
    """

    def __init__(
        self,
        in_dim: int,
        sources: int = 1,
        n_fft: int = 256,
        channels: tuple[int, ...] = (16, 32, 64, 64),
        dropout: float = 0.1,
    ):
        super().__init__()
        check_samples(in_dim, sources)
        if n_fft < 2 or n_fft % 2:
            raise UserError(f"model.encoder.n_fft={n_fft} should be an even number from 2.")
        if not channels:
            raise UserError("model.encoder.channels names no layer: give at least one number.")
        self.dim = sources
        self.stft = Stft(n_fft)
        self.down = nn.ModuleList(
            nn.ModuleList([nn.Conv2d(before, after, 5, 2, padding=2, bias=False), nn.BatchNorm2d(after)])
            for before, after in zip((1, *channels), channels, strict=False)
        )
        self.up = nn.ModuleList()
        for i in reversed(range(len(channels))):
            after = channels[i - 1] if i else sources
            before = channels[i] * (1 if i == len(channels) - 1 else 2)
            self.up.append(nn.ConvTranspose2d(before, after, 5, 2, padding=2, output_padding=1))
        self.up_norms = nn.ModuleList(nn.BatchNorm2d(channel) for channel in reversed(channels[:-1]))
        self.dropout = nn.Dropout2d(dropout)

    def out_len(self, n_frames):
        """As many samples; works on integers and on integer tensors."""
        return n_frames

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, 1) and lengths to (B, T, sources) and lengths."""
        wave_BT = frames_BTF[:, :, 0]
        spectrum_B2TF = self.stft(wave_BT / level(wave_BT, lengths_B))
        mask_BSTF = self.masks(spectrum_B2TF.square().sum(1).add(1e-10).sqrt(), self.stft.frames(lengths_B))
        own_B2TF = self.stft(wave_BT)
        made = [self.stft.inverse(own_B2TF * mask_BTF[:, None], wave_BT.shape[1]) for mask_BTF in mask_BSTF.unbind(1)]
        return zero_padding(torch.stack(made, 2), lengths_B), lengths_B

    def masks(self, magnitude_BTF: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """Magnitudes (B, T, F) and lengths in frames to (B, sources, T, F), from 0 to 1."""
        x_BCTF = _ended((magnitude_BTF + FLOOR).log()[:, None], lengths_B)
        passed, sizes = [], []
        for conv, norm in self.down:
            sizes.append((x_BCTF.shape[2:], lengths_B))
            lengths_B = (lengths_B + 1) // 2
            x_BCTF = _ended(nn.functional.leaky_relu(norm(conv(x_BCTF)), 0.2), lengths_B)
            passed.append(x_BCTF)
        x_BCTF = self.dropout(passed.pop())
        for i, conv in enumerate(self.up):
            (time, bins), lengths_B = sizes.pop()
            x_BCTF = conv(x_BCTF)[:, :, :time, :bins]
            if passed:
                x_BCTF = _ended(self.up_norms[i](x_BCTF).relu(), lengths_B)
                x_BCTF = torch.cat([x_BCTF, passed.pop()], 1)
        return x_BCTF.sigmoid()


def _ended(x_BCTF: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
    """Zeros past the end, as a convolution sees them past the end of an utterance alone."""
    return zero_padding(x_BCTF.transpose(1, 2), lengths_B).transpose(1, 2)

"""Conv-TasNet: masks over a learned transform of the samples."""

from __future__ import annotations

import torch
from torch import nn

from asrx.masking import zero_padding
from asrx.models.waveforms import check_samples, level
from asrx.types import Encoder


class ConvTasNet(nn.Module, Encoder):
    """Conv-TasNet (Luo and Mesgarani 2019, https://arxiv.org/abs/1809.07454), torchaudio's, whose normalisation over
    all channels and frames looks at each utterance's own: (B, T samples, 1) to (B, T samples, sources).

    The level of the mixture does not matter.

    Args:
        in_dim: feature bins F, which are samples: 1.
        sources: waveforms that are made.
        kernel: samples that a frame of the transform looks at; half of it is the hop.
        filters: of the transform.
        width: channels between blocks.
        hidden: channels in a block.
        layers: blocks of a stack, each with twice the dilation of the one before.
        stacks: number of them.

    Raises:
        UserError: features that are no samples.
    """

    def __init__(
        self,
        in_dim: int,
        sources: int = 1,
        kernel: int = 32,
        filters: int = 128,
        width: int = 64,
        hidden: int = 128,
        layers: int = 6,
        stacks: int = 2,
    ):
        super().__init__()
        from torchaudio.models import ConvTasNet as Network

        check_samples(in_dim, sources)
        self.dim = sources
        self.network = Network(sources, kernel, filters, 3, width, hidden, layers, stacks, "relu")
        for module in [*self.network.modules()]:
            for name, child in module.named_children():
                if isinstance(child, nn.GroupNorm):
                    setattr(module, name, OwnFrames(child.num_channels))
        self.norms = [module for module in self.network.modules() if isinstance(module, OwnFrames)]

    def out_len(self, n_frames):
        """As many samples; works on integers and on integer tensors."""
        return n_frames

    def forward(self, frames_BTF: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, T, 1) and lengths to (B, T, sources) and lengths."""
        wave_BT, stride = frames_BTF[:, :, 0], self.network.enc_stride
        odd = self.network.enc_kernel_size % 2
        for norm in self.norms:
            norm.lengths_B = (lengths_B - odd + stride - 1) // stride + 1
        level_B1 = level(wave_BT, lengths_B)
        made_BST = self.network((wave_BT / level_B1)[:, None])
        return zero_padding(made_BST.transpose(1, 2) * level_B1[:, :, None], lengths_B), lengths_B


class OwnFrames(nn.Module):
    """Normalisation over all channels and all frames of an utterance, (B, C, T) to the same, zeros in the padding.

    Attributes:
        lengths_B: in frames; of the batch that comes next.
    """

    lengths_B: torch.Tensor

    def __init__(self, channels: int):
        super().__init__()
        self.weight_C, self.bias_C = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x_BCT: torch.Tensor) -> torch.Tensor:
        x_BTC = zero_padding(x_BCT.transpose(1, 2), self.lengths_B)
        count_B11 = self.lengths_B[:, None, None] * x_BTC.shape[2]
        apart_BTC = x_BTC - x_BTC.sum((1, 2), keepdim=True) / count_B11
        variance_B11 = zero_padding(apart_BTC, self.lengths_B).square().sum((1, 2), keepdim=True) / count_B11
        y_BTC = apart_BTC / (variance_B11 + 1e-8).sqrt() * self.weight_C + self.bias_C
        return zero_padding(y_BTC, self.lengths_B).transpose(1, 2)

"""Log-mel filterbank energies."""

from __future__ import annotations

import torch

from asrx.features.base import Features, power_of_two, samples


class LogMel(Features):
    """Natural logarithm of mel filterbank energies, (B, T samples) to (B, 1 + T // hop, n_mels).

    Frames are centred on multiples of the hop and the signal continues with zeros on both sides, so a padded utterance
    gives the frames it gives alone. The filterbank is torchaudio's `MelSpectrogram` (HTK mel scale, Slaney area
    normalisation off).

    Args:
        sample_rate: of the waveforms, in Hz.
        n_mels: number of filters.
        window: length of the Hann window, in seconds.
        hop: step from frame to frame, in seconds.
        f_min, f_max: edges of the filterbank, in Hz; None is half the sample rate.
        floor: added to the energies before the logarithm.
        normalize: see `Features`.
        dim: feature bins, where a subclass makes another number of them.
    """

    def __init__(
        self,
        sample_rate: int,
        n_mels: int = 40,
        window: float = 0.025,
        hop: float = 0.010,
        f_min: float = 20.0,
        f_max: float | None = None,
        floor: float = 1e-6,
        normalize: str = "utterance",
        *,
        dim: int | None = None,
    ):
        super().__init__(dim or n_mels, normalize)
        from torchaudio.transforms import MelSpectrogram

        self.hop = samples(hop, sample_rate)
        self.floor = floor
        width = samples(window, sample_rate)
        self.mel = MelSpectrogram(
            sample_rate,
            n_fft=power_of_two(width),
            win_length=width,
            hop_length=self.hop,
            f_min=f_min,
            f_max=f_max,
            n_mels=n_mels,
            pad_mode="constant",
        )

    def frames(self, n_samples):
        return n_samples // self.hop + 1

    def extract(self, wave_BT: torch.Tensor) -> torch.Tensor:
        return (self.mel(wave_BT).transpose(1, 2) + self.floor).log()

"""Log-mel filterbank energies."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from asrx.features.base import Features, power_of_two, samples
from asrx.features.spectrum import PowerSpectrum
from asrx.masking import valid, zero_padding
from asrx.types import UserError

QUIETEST = 1e-10  # the least variance that is brought to one: the rounding of 16 bits
FLOOR_DB = 1e-10  # the least energy that has a level, as in librosa's power_to_db


class LogMel(Features):
    """Logarithm of mel filterbank energies, (B, T samples) to (B, 1 + T // hop, n_mels).

    Frames are centred on multiples of the hop and the signal continues with zeros on both sides, so a padded utterance
    gives the frames it gives alone. The filterbank is torchaudio's `MelSpectrogram`.

    Args:
        sample_rate: of the waveforms, in Hz.
        n_mels: number of filters.
        window: length of the Hann window, in seconds.
        hop: step from frame to frame, in seconds.
        f_min, f_max: edges of the filterbank, in Hz; None is half the sample rate.
        mel: `htk`, HTK's mel scale and filters of height one; or `slaney`, Slaney's scale and filters of like area (the
            default of librosa).
        log: `natural`, of the energies plus `floor`; or `db`, decibels below the utterance's highest energy, at most
            `range_db` of them (librosa's `power_to_db` with `ref=max`).
        floor: added to the energies before the natural logarithm.
        range_db: see `log`.
        gain: `kept`; or `unit`, every utterance is brought to zero mean and unit variance first, so that its level
            changes nothing (the `floor` is then a share of its own power).
        normalize: see `Features`.
        dim: feature bins, where a subclass makes another number of them.

    Raises:
        UserError: an unknown `mel`, `log` or `gain`.
    """

    def __init__(
        self,
        sample_rate: int,
        n_mels: int = 40,
        window: float = 0.025,
        hop: float = 0.010,
        f_min: float = 20.0,
        f_max: float | None = None,
        mel: str = "htk",
        log: str = "natural",
        floor: float = 1e-6,
        range_db: float = 80.0,
        gain: str = "kept",
        normalize: str = "utterance",
        *,
        dim: int | None = None,
    ):
        super().__init__(dim or n_mels, normalize)
        from torchaudio.transforms import MelSpectrogram

        for name, value, options in (
            ("mel", mel, ("htk", "slaney")),
            ("log", log, ("natural", "db")),
            ("gain", gain, ("kept", "unit")),
        ):
            if value not in options:
                raise UserError(f"features.{name}={value} is none of {', '.join(options)}.")
        self.hop = samples(hop, sample_rate)
        self.log, self.floor, self.range_db, self.gain = log, floor, range_db, gain
        width = samples(window, sample_rate)
        self.reach = math.ceil(width / self.hop) if (log, gain) == ("natural", "kept") else None
        self.mel = MelSpectrogram(
            sample_rate,
            n_fft=power_of_two(width),
            win_length=width,
            hop_length=self.hop,
            f_min=f_min,
            f_max=f_max,
            n_mels=n_mels,
            pad_mode="constant",
            mel_scale=mel,
            norm="slaney" if mel == "slaney" else None,
        )
        self.exported = PowerSpectrum(torch.hann_window(width, dtype=torch.float64), self.hop, power_of_two(width))

    def frames(self, n_samples):
        return n_samples // self.hop + 1

    def extract(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        energy_BTF = self.energies(wave_BT, lengths_B)
        if self.log == "natural":
            return (energy_BTF + self.floor).log()
        level_BTF = 10 * energy_BTF.clamp_min(FLOOR_DB).log10()
        own_BT = valid(self.frames(lengths_B), level_BTF.shape[1])
        highest_B11 = level_BTF.masked_fill(~own_BT[:, :, None], -torch.inf).amax((1, 2), keepdim=True)
        return (level_BTF - highest_B11).clamp_min(-self.range_db)

    def energies(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """Of the filters, (B, T frames, n_mels)."""
        if self.gain == "unit":
            wave_BT = standard(wave_BT, lengths_B)
        if not torch.onnx.is_in_onnx_export():
            return self.mel(wave_BT).transpose(1, 2)
        n_fft, width = self.exported.n_fft, len(self.exported.window_N)
        before = n_fft // 2 - (n_fft - width) // 2  # torch.stft puts the window into the middle of n_fft samples
        return self.exported(functional.pad(wave_BT, (before, width - before))) @ self.mel.mel_scale.fb


def standard(wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
    """Zero mean and unit variance over each utterance's own samples; silence stays silent."""
    count_B1 = lengths_B[:, None].clamp_min(1)
    wave_BT = zero_padding(wave_BT - wave_BT.sum(1, keepdim=True) / count_B1, lengths_B)
    return wave_BT / (wave_BT.square().sum(1, keepdim=True) / count_B1).clamp_min(QUIETEST).sqrt()

"""A phase vocoder that stretches each utterance of a batch at its own rate."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

import torch
from torch.nn.functional import pad

from asrx.augment.resampling import assemble, quotients
from asrx.masking import zero_padding

SILENCE = 1e-18  # added to each bin, so that silent ones have a phase, 0


def window_samples(seconds: float, sample_rate: int) -> int:
    """The multiple of 32 samples nearest to a duration: four hops, and a length whose Fourier transform is fast.

    >>> window_samples(0.064, 8000), window_samples(0.064, 22050)
    (512, 1408)
    """
    return 32 * max(1, round(seconds * sample_rate / 32))


def stretch(
    wave_BT: torch.Tensor, lengths_B: torch.Tensor, rates: Sequence[Fraction], choice_B: torch.Tensor, window: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Play each utterance at one of a few rates without changing its pitch: a rate of 2 halves its length.

    Utterances at a rate of 1 are handed through as they are.

    Args:
        wave_BT, lengths_B: a batch and its lengths in samples; the padding is zero.
        rates: small fractions.
        choice_B: which rate each utterance has, int64 on the CPU, so that no device has to be waited for.
        window: length of the Hann window in samples, a multiple of 4; it moves on by a quarter.

    Returns:
        The same at the new lengths, `ceil(length / rate)`; the padding is zero.
    """
    moves_B = torch.tensor([rate != 1 for rate in rates])[choice_B]
    still_R = (~moves_B).nonzero()[:, 0].to(wave_BT.device)
    parts = [(still_R, wave_BT[still_R])] if len(still_R) else []
    if moves_B.any():
        moving_R = moves_B.nonzero()[:, 0].to(wave_BT.device)
        parts.append((moving_R, _vocode(wave_BT[moving_R], rates, choice_B[moves_B], window)))
    lengths_B = quotients(lengths_B, rates, choice_B)
    return zero_padding(assemble(parts), lengths_B), lengths_B


def _vocode(wave_BT: torch.Tensor, rates: Sequence[Fraction], choice_B: torch.Tensor, window: int) -> torch.Tensor:
    """The vocoder of librosa and of Ellis (2002, https://www.ee.columbia.edu/~dpwe/resources/matlab/pvoc/).

    Output frame k lies `rate * k` frames into the input: its magnitude is interpolated between the two frames there,
    and its phase moves on as it moves between them. Unit complex numbers stand for the phases: multiplying them adds
    angles, so that nothing has to be unwrapped and no arctangent or sine is taken.

    The frames go on until they hold padding alone, so an utterance comes out the same whatever it is batched with.
    """
    hop, time = window // 4, wave_BT.shape[1]
    hann = torch.hann_window(window, device=wave_BT.device)
    count = ceil(time / hop) + 3
    padded_BT = pad(wave_BT, (window // 2, (count - 1) * hop + window // 2 - time))
    spectrum_BNF = torch.fft.rfft(padded_BT.unfold(1, window, hop) * hann)
    spectrum_BNF.real.add_(SILENCE)
    # not abs() and sgn(), which are several times slower: they mind overflow
    power_BNF = (spectrum_BNF.real * spectrum_BNF.real).addcmul_(spectrum_BNF.imag, spectrum_BNF.imag)
    turn_BNF = spectrum_BNF.mul_(power_BNF.clamp_min_(SILENCE**2).rsqrt())
    turn_BNF[:, 1:] *= turn_BNF[:, :-1].conj_physical()
    magnitude_BNF = power_BNF.sqrt_()

    time = ceil(time / min(rates[i] for i in choice_B.unique().tolist()))
    num_B1 = torch.tensor([rate.numerator for rate in rates])[choice_B, None].to(wave_BT.device)
    den_B1 = torch.tensor([rate.denominator for rate in rates])[choice_B, None].to(wave_BT.device)
    step_BK = torch.arange(ceil(time / hop) + 2, device=wave_BT.device) * num_B1
    at_BK, share_BK1 = step_BK // den_B1, (step_BK % den_B1 / den_B1)[:, :, None]
    magnitude_BKF = _frames(magnitude_BNF, at_BK).lerp_(_frames(magnitude_BNF, at_BK + 1), share_BK1)
    before_BK = pad(at_BK[:, :-1] + 1, (1, 0))  # frame 0 has the phase of frame 0
    spectrum_BKF = _frames(turn_BNF, before_BK).cumprod_(1).mul_(magnitude_BKF)

    frames_BKW = torch.fft.irfft(spectrum_BKF, window).mul_(hann)
    weight_1T = _overlap_add(hann.square().expand(1, frames_BKW.shape[1], window))
    middle = slice(window // 2, window // 2 + time)
    return _overlap_add(frames_BKW)[:, middle] / weight_1T[:, middle]


def _frames(x_BNF: torch.Tensor, at_BK: torch.Tensor) -> torch.Tensor:
    """Frames by their number, the last one for those past the end: (B, N, F) to (B, K, F)."""
    batch, count, bins = x_BNF.shape
    start_B1 = count * torch.arange(batch, device=at_BK.device)[:, None]
    rows = (start_B1 + at_BK.clamp_max(count - 1)).flatten()
    return x_BNF.reshape(-1, bins).index_select(0, rows).view(batch, -1, bins)


def _overlap_add(frames_BKW: torch.Tensor) -> torch.Tensor:
    """Sum of frames that lie a quarter of their length apart: (B, K, W) to (B, (K + 3) * W / 4)."""
    batch, count, window = frames_BKW.shape
    sum_BKH = frames_BKW.new_zeros(batch, count + 3, window // 4)
    for i, quarter_BKH in enumerate(frames_BKW.unflatten(2, (4, -1)).unbind(2)):
        sum_BKH[:, i : i + count] += quarter_BKH
    return sum_BKH.flatten(1)

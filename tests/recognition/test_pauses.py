"""Long recordings are cut where nobody speaks, and no speech is lost or doubled."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from asrx.recognition.pauses import CHUNK, EDGE, RATE, SPEECH, SpeechDetector, cuts

STEP = CHUNK / RATE


def probabilities(*spans: tuple[float, float], duration: float) -> np.ndarray:
    speech_N = np.zeros(round(duration / STEP))
    for start, end in spans:
        speech_N[round(start / STEP) : round(end / STEP)] = 1.0
    return speech_N


def test_a_piece_has_a_little_silence_on_both_sides():
    speech_N = probabilities((1.0, 2.0), (2.2, 3.0), (8.0, 9.0), duration=10.0)
    first, second = cuts(speech_N, 10.0, 20.0)
    assert first == pytest.approx((1.0 - EDGE, 3.0 + EDGE), abs=STEP)  # 0.2 s are no pause
    assert second == pytest.approx((8.0 - EDGE, 9.0 + EDGE), abs=STEP)


def test_near_pieces_meet_in_the_middle_of_the_pause():
    first, second = cuts(probabilities((0.0, 1.0), (1.5, 2.0), duration=2.0), 2.0, 20.0)
    assert first[0] == 0.0
    assert second[1] == pytest.approx(2.0, abs=STEP)
    assert first[1] == second[0] == pytest.approx(1.25, abs=STEP)


def test_long_speech_is_cut_where_it_is_least_likely():
    speech_N = probabilities((0.0, 30.0), duration=30.0)
    speech_N[round(8.0 / STEP)] = 0.5
    assert cuts(speech_N, 30.0, 10.0)[0] == pytest.approx((0.0, 8.0), abs=1.1 * STEP)


def test_where_nobody_speaks_there_is_nothing():
    assert cuts(np.zeros(100), 3.2, 20.0) == []


@pytest.mark.parametrize("seed", range(20))
def test_all_speech_is_in_one_piece(seed):
    rng = np.random.default_rng(seed)
    speech_N = np.repeat(rng.random(40), rng.integers(1, 60, 40))
    duration, longest = len(speech_N) * STEP - 0.01, 4.0
    pieces = cuts(speech_N, duration, longest)
    assert all(start < end <= start + longest + 1e-6 for start, end in pieces)
    assert all(before <= after for (_, before), (after, _) in pairwise(pieces))
    assert pieces[0][0] >= 0
    assert pieces[-1][1] <= duration
    for i in np.flatnonzero(speech_N > SPEECH):
        middle = min((i + 0.5) * STEP, duration)
        assert sum(start <= middle <= end for start, end in pieces) in (1, 2)  # on a seam it is in two


def test_real_speech_is_heard_and_silence_is_not(real_data):
    import soundfile

    paths = sorted(path for path in (real_data / "an4" / "wav").rglob("*.*") if path.is_file())[:4]
    silence, waves = np.zeros(RATE, "int16"), [soundfile.read(path, dtype="int16")[0] for path in paths]
    whole = np.concatenate([part for wave in waves for part in (silence, wave)])
    pieces = cuts(SpeechDetector(RATE)(whole, last=True), len(whole) / RATE, 20.0)
    at = 0
    for wave in waves:
        at += len(silence)
        loud = at + np.flatnonzero(np.abs(wave.astype(int)) > np.abs(wave).max() / 4)
        assert all(any(start * RATE <= place < end * RATE for start, end in pieces) for place in loud[::200])
        at += len(wave)
    assert len(pieces) >= len(waves)
    assert len(cuts(SpeechDetector(RATE // 2)(whole[::2], last=True), len(whole) / RATE, 20.0)) >= len(waves)

"""What is refused before the first batch."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from asrx.augment import tried
from asrx.types import UserError

RATE = 8000


class Broken(nn.Module):
    """It gives samples that are not numbers to one utterance of three."""

    def forward(self, wave_BT, lengths_B):
        return wave_BT / (torch.arange(len(wave_BT)) % 3)[:, None], lengths_B


def node(name: str, **arguments) -> dict:
    return {"_target_": f"asrx.augment.{name}", **arguments}


def made(node: dict, kind: str) -> nn.Module:
    return {
        "waves": lambda: tried.on_waves(node, "augment.wave.0", RATE),
        "frames": lambda: tried.on_frames(node, "augment.frames.0", 40),
        "pairs": lambda: tried.on_pairs(node, "augment.mixup"),
        "readings": lambda: tried.at_test_time(node, "augment.test", RATE),
    }[kind]()


RIGHT = [
    ("waves", node("gain.Gain")),
    ("waves", node("noise.WhiteNoise", snr_db=[-20.0, -10], probability=1)),
    ("waves", node("uniform_noise.UniformNoise", shared=True)),
    ("waves", node("equalizer.Equalizer", points=2)),
    ("waves", node("speed.Speed", factors=[0.5, 2])),
    ("waves", node("time_stretch.TimeStretch", sample_rate=RATE)),
    ("waves", node("pitch_shift.PitchShift", sample_rate=RATE)),
    ("frames", node("specaug.SpecAugment", time_width=500, freq_width=500)),
    ("pairs", node("mixup.Mixup")),
    ("readings", node("test_time.Speeds")),
]


@pytest.mark.parametrize(("kind", "given"), RIGHT, ids=[f"{given['_target_']}" for _, given in RIGHT])
def test_what_works_is_given_back_and_draws_nothing_of_the_run_s(kind, given):
    torch.manual_seed(0)
    module = made(given, kind)
    after = torch.rand(3)
    torch.manual_seed(0)
    if "shared" in given or given.get("draw") == "dataset":
        torch.randint(2**31, ())  # drawn when it is made, which belongs to the run
    assert torch.equal(torch.rand(3), after)
    assert type(module).__name__ == given["_target_"].rpartition(".")[2]


WRONG = [
    ("waves", node("noise.WhiteNoise", snr_db=["a", "b"]), r"snr_db=\['a', 'b'\] should be two numbers"),
    ("waves", node("noise.WhiteNoise", snr_db=[30, 5]), "the lower one first"),
    ("waves", node("noise.WhiteNoise", snr_db=[float("nan"), 5]), "snr_db=.* should be two numbers"),
    ("waves", node("noise.WhiteNoise", snr_db=5), "snr_db=5 should be two numbers"),
    ("waves", node("noise.WhiteNoise", snr_db=[-5000, -4000], probability=1), "not numbers"),
    ("waves", node("noise.WhiteNoise", probability=5), "probability=5 should be a number from 0 to 1"),
    ("waves", node("gain.Gain", gain_db=[6]), r"gain_db=\[6\] should be two numbers"),
    ("waves", node("uniform_noise.UniformNoise", amplitude=-1), "amplitude=-1 should be a number from 0"),
    ("waves", node("equalizer.Equalizer", points=1), "points=1 should be a whole number from 2"),
    ("waves", node("equalizer.Equalizer", gain_db=-8), "gain_db=-8 should be a number from 0"),
    ("waves", node("speed.Speed", factors=[1000]), "leaves 2 samples of a quarter of a second"),
    ("waves", node("specaug.SpecAugment"), "does not work on waveforms"),
    ("waves", node("test_time.Speeds"), "does not work on waveforms"),
    ("frames", node("specaug.SpecAugment", time_masks=1.5), "time_masks=1.5 should be a whole number from 0"),
    ("frames", node("specaug.SpecAugment", freq_width=-1), "freq_width=-1 should be a number from 0"),
    ("frames", node("specaug.SpecAugment", time_share=5), "time_share=5 should be a number from 0 to 1"),
    ("frames", node("specaug.SpecAugment", fill="abc"), "does not work on features"),
    ("frames", node("specaug.SpecAugment", fill=float("inf")), "does not work on features"),
    ("frames", node("noise.WhiteNoise"), "does not work on features"),
    ("pairs", node("noise.WhiteNoise"), "does not work on pairs"),
    ("readings", node("speed.Speed"), "gives one reading and not a list"),
    ("readings", node("test_time.Speeds", factors=[1, 1000]), "leaves 2 samples"),
    ("waves", {"_target_": f"{__name__}.Broken"}, "not numbers"),
    ("waves", "noise", "noise stands where the config needs a class"),
]
PLACES = {"waves": "augment.wave.0: ", "frames": "augment.frames.0: ", "pairs": "augment.mixup: "}


@pytest.mark.parametrize(("kind", "given", "sentence"), WRONG)
def test_what_cannot_work_is_refused_with_its_place(kind, given, sentence, monkeypatch):
    monkeypatch.setenv("ASRX_COMPONENTS", __name__)
    with pytest.raises(UserError, match=sentence) as told:
        made(given, kind)
    assert str(told.value).startswith(PLACES.get(kind, "augment.test: "))
    assert len(str(told.value).splitlines()) == 1

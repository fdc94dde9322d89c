from __future__ import annotations

import numpy as np
import soundfile
from omegaconf import OmegaConf

from asrx.data.audio import Audio
from asrx.data.fingerprint import described
from asrx.data.prepare import Prepared
from asrx.data.store import build
from asrx.types import Utterance


def test_the_data_is_what_is_heard_said_and_mixed_in_wherever_it_lies(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        noise = np.random.default_rng(1).normal(0, 0.1, 300_000)
        soundfile.write(tmp_path / folder / "noise.wav", noise, 8000)
    soundfile.write(tmp_path / "a.wav", rng.normal(0, 0.1, 800), 8000)

    def said(folder="here", text="yes", split="train", rate=8000):
        utterances = [Utterance("a", str(tmp_path / "a.wav"), text, None, split)]
        store = build(utterances, Audio(rate), tmp_path / "cache")
        noise = {"_target_": "asrx.augment.background_noise.BackgroundNoise", "folder": str(tmp_path / folder)}
        cfg = OmegaConf.create({"dataset": {}, "augment": {"wave": [noise]}})
        return described(cfg, Prepared(utterances, store, [(1,)]))

    same = said()
    assert said("there") == same
    assert len({same, said(text="no"), said(split="val"), said(rate=4000)}) == 4
    noise[100_000] = 0.5  # anywhere in an hour
    soundfile.write(tmp_path / "there" / "noise.wav", noise, 8000)
    assert said("there") != same

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from asrx.data.prepare import Prepared
from asrx.report.files import write_recordings
from asrx.training.ancestry import check_unheard, heard_before
from asrx.types import SPLITS, UserError, Utterance


def test_what_the_first_weights_were_trained_on_is_not_tested_on(tmp_path, capsys):
    write_recordings(tmp_path, {"train": [1, 2**63 + 1], "val": [2], "test": [3]})
    init = {"_target_": "asrx.models.pretrained.load", "checkpoint": str(tmp_path / "best.ckpt")}
    cfg = OmegaConf.create({"model": {"init": init}, "dataset": {"shared": "error"}})
    heard = heard_before(cfg)
    assert heard == {f"model.init.checkpoint={tmp_path / 'best.ckpt'}": {1, 2**63 + 1}}
    utterances = [Utterance(f"{split}-1", "a.wav", "a", None, split) for split in SPLITS]
    check_unheard(cfg, Prepared(utterances, None, [(1,), (2,), (3,)]), heard)
    bad = Prepared(utterances, None, [(1,), (2,), (2**63 + 1,)])
    with pytest.raises(UserError, match=r"best\.ckpt was trained on 1 of the 1 recordings of this test part"):
        check_unheard(cfg, bad, heard)
    cfg.dataset.shared = "allow"
    check_unheard(cfg, bad, heard)
    assert "best.ckpt was trained on 1 of the 1 recordings of this test part" in capsys.readouterr().out

    cfg.model.init.checkpoint = str(tmp_path / "elsewhere" / "best.ckpt")
    assert heard_before(cfg) == {}
    assert "no recordings.npz beside it says what it was trained on" in capsys.readouterr().out
    cfg.model.init = None
    assert heard_before(cfg) == {}


def test_nor_is_what_the_enhancer_in_front_was_trained_on(tmp_path):
    write_recordings(tmp_path, {"train": [1], "val": [2], "test": [3]})
    enhance = {"run": str(tmp_path)}
    cfg = OmegaConf.create({"model": {"init": None}, "features": {"enhance": enhance}, "dataset": {"shared": "error"}})
    prepared = Prepared([Utterance("a", "a.wav", "a", None, "val")], None, [(1,)])
    with pytest.raises(UserError, match=r"features\.enhance\.run=.* was trained on 1 of the 1 recordings of this val"):
        check_unheard(cfg, prepared, heard_before(cfg))

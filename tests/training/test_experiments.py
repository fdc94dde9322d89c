"""The named experiments, with all of their own settings, on a few recordings in the layout of their corpora."""

from __future__ import annotations

import json

import pytest
from omegaconf import OmegaConf

from asrx.config.check import is_search
from asrx.config.compose import choices, compose

ROOTS = {"fsdd": "FSDD", "an4": "AN4"}


@pytest.mark.parametrize("name", choices("experiments"))
def test_every_experiment_runs_one_fast_batch(launch, miniatures, tmp_path, name):
    """Of a search and its corrected twin, which differ in the data, one searches and the other trains."""
    cfg = compose([f"experiments={name}"])
    corpus = cfg.dataset.corpus._target_.rpartition(".")[2]
    fast = [f"data_dir={miniatures}", "trainer=debug", "trainer.max_epochs=1"]
    if OmegaConf.is_missing(cfg.augment, "folder"):
        cfg.augment.folder = str(miniatures / "FSDD")
        fast.append(f"augment.folder={miniatures / 'FSDD'}")
    if "model.init.checkpoint" in OmegaConf.missing_keys(cfg):
        first = launch("experiments=an4_8k", f"dataset.root={miniatures / 'AN4'}", *fast, folder="first")
        fast.append(f"model.init.checkpoint={first / 'best.ckpt'}")
    fast += [f"experiments={name}", f"dataset.root={miniatures / corpus}"]
    for part, node in (cfg.dataset.parts or {}).items():
        fast += [f"dataset.parts.{part}.root={miniatures / ROOTS[node.dataset]}"] if node.dataset in ROOTS else []
    fast += [f"dataset.noises={miniatures / 'FSDD'}"] if "noises" in cfg.dataset else []
    if is_search(cfg) and not name.endswith("_corrected"):
        folds = ["search.folds=2"] if cfg.search.get("folds") else []
        sweep = launch("-m", *fast, "search.trials=1", *folds, f"search.dir={tmp_path / 'sweep'}", folder="sweep")
        assert json.loads((sweep / "ledger.jsonl").read_text())["state"] == "finished"
        return
    folder = launch(*fast, *(["search=none"] if is_search(cfg) else []))
    assert json.loads((folder / "metrics.json").read_text())["state"] == "finished"

"""Names that YAML and Hydra's grammar take for something else are taken as the names they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from asrx.config.compose import compose, spelled
from asrx.config.spelling import quoted

SPEAKERS = ["dataset=fsdd", "dataset/split=leave_speakers_out"]
FOLDER = ["dataset=folder"]
LISTS = ["dataset=manifest"]


@pytest.mark.parametrize(
    ("chosen", "override", "expected"),
    [
        (SPEAKERS, "dataset.split.speakers=26", "26"),
        (SPEAKERS, "dataset.split.speakers=[26,32]", ["26", "32"]),
        (SPEAKERS, "dataset.split.speakers=['26', null, x y]", ["26", "null", "x y"]),
        (FOLDER, "dataset.root=2024_05_01", "2024_05_01"),
        (FOLDER, "dataset.root=1e3", "1e3"),
        (FOLDER, "dataset.root=true", "true"),
        (FOLDER, "dataset.root=007", "007"),
        (FOLDER, "dataset.root=null", None),
        (FOLDER, "dataset.root=a,b", "a,b"),
        (FOLDER, "dataset.root=größe x/[1] {y}'s=z", "größe x/[1] {y}'s=z"),
        (FOLDER, "dataset.root='2024_05_01'", "2024_05_01"),
        (FOLDER, "dataset.root=~", str(Path.home())),
        (FOLDER, "dataset.root=~/a", f"{Path.home()}/a"),
        (FOLDER, "dataset.root=~a", "~a"),
        (LISTS, "dataset.train=[2024_05_01,b.jsonl]", ["2024_05_01", "b.jsonl"]),
        (LISTS, "dataset.train=1.jsonl", "1.jsonl"),
        ([], "run_dir=2024_05_02", "2024_05_02"),
        ([], "published=null", None),
        ([], "+augment.wave=[{_target_: asrx.augment.background_noise.BackgroundNoise, folder: 24}]", "24"),
        (["dataset=speech_commands"], "dataset.corpus.words=[yes,no,up,null]", ["yes", "no", "up", "null"]),
        (["dataset=speech_commands"], "dataset.corpus.version=0.01", "0.01"),
        (["augment=background_noise"], "augment.folder=2024_05_01", "2024_05_01"),
    ],
)
def test_on_the_command_line(chosen, override, expected):
    key = override.lstrip("+").partition("=")[0]
    key = {"augment.wave": "augment.wave.0.folder"}.get(key, key)
    assert OmegaConf.select(compose([*chosen, override]), key) == expected


@pytest.mark.parametrize(
    ("chosen", "sweep", "expected"),
    [
        (SPEAKERS, "dataset.split.speakers=26,theo,007", ["26", "theo", "007"]),
        (SPEAKERS, "dataset.split.speakers=[26,32],[theo]", [["26", "32"], ["theo"]]),
        (FOLDER, "dataset.root=2024_05_01,2024_05_02,'a,b'", ["2024_05_01", "2024_05_02", "a,b"]),
        ([], "monitor=null,val/loss", [None, "val/loss"]),
        (["dataset=folder,images"], "dataset.root=2024_05_01,x", ["2024_05_01", "x"]),
    ],
)
def test_in_a_sweep(chosen, sweep, expected):
    override = OverridesParser.create().parse_override(spelled(["-m", *chosen, sweep])[-1])
    values = [OverridesParser.create().parse_override(f"x={one}").value() for one in override.sweep_string_iterator()]
    assert values == expected


NAMES = """\
# @package _global_
defaults:
  - override /dataset: speech_commands
  - override /dataset/split: leave_speakers_out
run_dir: 2024_05_02
dataset:
  root: 2024_05_01
  corpus:
    words: [yes, no, up, 1_0, null]
    version: 0.01
  split:
    speakers: [26, 0x1f, on]
"""


def test_in_a_yaml_file(tmp_path, monkeypatch):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "names.yaml").write_text(NAMES)
    monkeypatch.chdir(tmp_path)
    cfg = compose(["experiments=names"])
    assert (cfg.run_dir, cfg.dataset.root) == ("2024_05_02", "2024_05_01")
    assert (cfg.dataset.corpus.words, cfg.dataset.corpus.version) == (["yes", "no", "up", "1_0", "null"], "0.01")
    assert cfg.dataset.split.speakers == ["26", "0x1f", "on"]
    assert compose(["experiments=names", "dataset.root=7"]).dataset.root == "7", "the command line is stronger"


def test_the_runs_of_a_folder_that_looks_like_a_number_land_in_it(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    cfg = compose(["run_dir=2024_05_02"], with_hydra=True)
    assert cfg.hydra.run.dir.startswith("2024_05_02/")


@pytest.mark.parametrize(
    "text", ["", "a", "it's", "a\\", "a\\'b", "${b}", "\\${b}", "\\\\${b}", 'a"b', "a, [b] {c}", "ü\n"]
)
def test_quotes_keep_a_text_as_it_is(text):
    override = OverridesParser.create().parse_override(f"key={quoted(text)}")
    assert OmegaConf.create({"key": override.value()}).key == text

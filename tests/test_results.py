"""The table of published and measured figures."""

from __future__ import annotations

import json

import pytest
import yaml

from asrx.results import BEGIN, END, evaluations, find, insert, table
from asrx.types import UserError


def write(folder, name, seed, test, *changes):
    folder.mkdir(parents=True)
    metrics = {"state": "finished", "test": test, "keras_parameters": 4510}
    overrides = [f"experiments={name}", f"seed={seed}", "dataset.root=/home/me/fsdd", "data_dir=/tmp/x", *changes]
    config = {"seed": seed, "published": "F1 0.87", "dataset": {"corpus": {"_target_": "asrx.data.corpora.fsdd.FSDD"}}}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "overrides.yaml").write_text(yaml.safe_dump(overrides))
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def cells(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def test_twins_and_seeds_share_a_row(tmp_path):
    for seed, accuracy in enumerate([0.80, 0.82, 0.84]):
        write(tmp_path / f"a{seed}", "digits_mel", seed, {"accuracy": accuracy, "utterances": 600})
    write(tmp_path / "b", "digits_mel_corrected", 0, {"accuracy": 0.9, "utterances": 400})
    head, _, row = cells(table(list(find(tmp_path))))
    assert dict(zip(head, row, strict=True)) == {
        "experiment": "digits_mel",
        "data": "fsdd, 600 tested; fsdd, 400 tested",
        "published": "F1 0.87",
        "as published, here": "accuracy 82.00 ± 2.00 (3 seeds); 4,510 parameters",
        "corrected, or our own, here": "accuracy 90.00 (1 seed); 4,510 parameters",
        "command": "`python -m asrx -m experiments=digits_mel,digits_mel_corrected dataset.root=DIR seed=0,1,2`",
    }


def test_runs_that_differ_in_more_are_rows_of_their_own(tmp_path):
    write(tmp_path / "a", "ete_lstm", 0, {"wer": 0.5, "cer": 0.25, "utterances": 10})
    write(tmp_path / "b", "ete_lstm", 0, {"wer": 0.4, "cer": 0.2, "utterances": 10}, "trainer.max_epochs=3")
    _, _, first, second = cells(table(list(find(tmp_path))))
    assert first[3].startswith("WER 50.00 (1 seed), CER 25.00 (1 seed)")
    assert second[5].endswith("seed=0 trainer.max_epochs=3`")


def test_runs_without_a_name_or_a_test_are_left_out(tmp_path):
    write(tmp_path / "a", "x", 0, None)
    with pytest.raises(UserError, match="no finished run of a named experiment"):
        list(find(tmp_path))


def test_trials_of_a_search_are_left_out(tmp_path):
    write(tmp_path / "a", "x", 0, {"accuracy": 1.0, "utterances": 1})
    config = yaml.safe_load((tmp_path / "a/config.yaml").read_text())
    (tmp_path / "a/config.yaml").write_text(yaml.safe_dump(config | {"search": {"sweep": "s", "trial": 3}}))
    with pytest.raises(UserError, match="no finished run of a named experiment"):
        list(find(tmp_path))


def test_no_path_of_this_machine_is_written(tmp_path):
    write(tmp_path / "a", "x", 0, {"accuracy": 1.0, "utterances": 1}, "model.init.checkpoint=/home/me/best.ckpt")
    assert "model.init.checkpoint=DIR/best.ckpt" in table(list(find(tmp_path)))
    assert "/home" not in table(list(find(tmp_path)))


def test_the_table_goes_between_the_marks(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    insert("new", page)
    assert page.read_text() == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    page.write_text("no marks")
    with pytest.raises(UserError, match="has no line"):
        insert("new", page)


def test_evaluations_have_a_line_each(tmp_path):
    write(tmp_path / "a", "ete_lstm", 0, {"wer": 0.5, "cer": 0.25, "utterances": 10})
    costs = {"keras_parameters": 76316, "multiply_adds": 7_610_000, "latency_ms": 7.6}
    found = {"clean": {"wer": 0.5, "cer": 0.25}, "snr_db": {"10": {"wer": 0.9, "cer": 0.8}}} | costs
    entries = {"noise=white": found, "model.objective.beam=100 noise=/home/me/kitchen": found}
    (tmp_path / "a" / "evaluation.json").write_text(json.dumps(entries))
    _, _, first, second = cells(evaluations(list(find(tmp_path))))
    figures = ["50.00 / 25.00", "10 dB: 90.00 / 80.00", "76,316", "7.61", "7.6"]
    assert first == ["ete_lstm, seed 0", "white noise", *figures]
    assert second == ["ete_lstm, seed 0", "model.objective.beam=100 kitchen noise", *figures]
    assert not evaluations([])

"""The table of published and measured figures."""

from __future__ import annotations

import json

import pytest
import yaml

from asrx.commands.results import BEGIN, END, evaluations, find, insert, main, table
from asrx.report.files import write_recordings
from asrx.types import UserError


def write(folder, name, seed, test, *changes):
    folder.mkdir(parents=True)
    metrics = {"kind": "classification", "state": "finished", "test": test, "keras_parameters": 4510}
    overrides = [f"experiments={name}", f"seed={seed}", "dataset.root=/home/me/fsdd", "data_dir=/tmp/x", *changes]
    config = {
        "seed": seed,
        "published": "F1 0.87",
        "dataset": {"corpus": {"_target_": "asrx.data.corpora.fsdd.FSDD"}},
        "resume": None,
    }
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "overrides.yaml").write_text(yaml.safe_dump(overrides))
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def cells(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def test_twins_and_seeds_share_a_row(tmp_path):
    for seed, accuracy in enumerate([0.80, 0.82, 0.84]):
        write(tmp_path / f"a{seed}", "digits_mel", seed, {"accuracy": accuracy, "utterances": 600})
    write(tmp_path / "b", "digits_mel_corrected", 0, {"accuracy": 0.9, "utterances": 400})
    head, _, row = cells(table([run for _, run in find(tmp_path)]))
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
    _, _, first, second = cells(table([run for _, run in find(tmp_path)]))
    assert first[3].startswith("WER 50.00 (1 seed), CER 25.00 (1 seed)")
    assert second[5].endswith("seed=0 trainer.max_epochs=3`")


def test_runs_that_leave_out_one_speaker_after_the_other_are_averaged(tmp_path):
    for who, seeds in {"[theo]": [0.9, 0.8], "[bo]": [0.5, 0.5]}.items():
        for seed, accuracy in enumerate(seeds):
            test = {"accuracy": accuracy, "utterances": 500}
            write(tmp_path / f"{who}{seed}", "x", seed, test, f"dataset.split.speakers={who}", "optimizer.lr=1")
    write(tmp_path / "other", "x", 0, {"accuracy": 0.1, "utterances": 500}, "dataset.split.speakers=[bo]")
    _, _, several, one = cells(table([run for _, run in find(tmp_path)]))
    if "lr" not in several[-1]:
        several, one = one, several
    assert several[3] == (
        "accuracy 67.50 (mean of 2 tests), [bo] 50.00 ± 0.00 (2 seeds), [theo] 85.00 ± 7.07 (2 seeds); 4,510 parameters"
    )
    assert several[5].endswith("seed=0,1 'dataset.split.speakers=[bo],[theo]' optimizer.lr=1`")
    assert one[3].startswith("accuracy 10.00 (1 seed)") and one[5].endswith("seed=0 'dataset.split.speakers=[bo]'`")


def test_a_mean_over_different_tests_is_told(tmp_path):
    for seed in (0, 1):
        write(tmp_path / str(seed), "x", seed, {"accuracy": 0.9, "utterances": 2})
        write_recordings(tmp_path / str(seed), {"train": [1], "val": [2], "test": [3, 4]})
    assert cells(table([run for _, run in find(tmp_path)]))[2][1] == "fsdd, 2 tested"
    write_recordings(tmp_path / "1", {"train": [1], "val": [2], "test": [3, 5]})
    assert cells(table([run for _, run in find(tmp_path)]))[2][1] == "fsdd, 2 tested (not all on the same recordings)"


def test_a_run_counts_once_and_a_seed_too(tmp_path, monkeypatch, capsys):
    for folder, seed in (("a", 0), ("b", 1), ("c", 1)):
        write(tmp_path / folder, "digits_mel", seed, {"accuracy": 0.8, "utterances": 600})
    monkeypatch.setattr("sys.argv", ["asrx results", str(tmp_path), str(tmp_path / "a" / ".." / "a"), str(tmp_path)])
    main()
    assert "accuracy 80.00 ± 0.00 (2 seeds, 3 runs)" in capsys.readouterr().out


def test_rows_about_other_runs_stay(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"above\n{BEGIN}\n{END}\nbelow\n")
    for name, accuracy in (("digits_mel", 0.8), ("digits_mel_corrected", 0.9), ("fsdd_logmel", 0.7)):
        write(tmp_path / name, name, 0, {"accuracy": accuracy, "utterances": 600})
    write(tmp_path / "other", "digits_mel", 0, {"accuracy": 0.5, "utterances": 600}, "trainer.max_epochs=3")
    insert(table([run for _, run in find(tmp_path)]), page)
    every = page.read_text()
    assert every.startswith("above") and every.endswith("below\n") and every.count("\n| ") == 5
    insert(table([run for _, run in find(tmp_path / "fsdd_logmel")]), page)
    assert page.read_text() == every
    path = tmp_path / "digits_mel_corrected" / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"test": {"accuracy": 0.95, "utterances": 600}}))
    insert(table([run for _, run in find(tmp_path / "digits_mel_corrected")]), page)
    (row,) = [row for row in cells(page.read_text()) if len(row) > 4 and "accuracy 95.00" in row[4]]
    assert row[3].startswith("accuracy 80.00")


def test_a_command_can_be_pasted(tmp_path):
    change = "augment.wave=[{_target_:asrx.augment.speed.Speed,factors:[0.9,1.0]}]"
    write(tmp_path / "a", "x", 0, {"accuracy": 1.0, "utterances": 1}, change)
    assert cells(table([run for _, run in find(tmp_path)]))[2][-1].endswith(f"seed=0 '{change}'`")


def test_runs_without_a_name_or_a_test_are_left_out(tmp_path):
    write(tmp_path / "a", "x", 0, None)
    with pytest.raises(UserError, match="no finished run of a named experiment"):
        [run for _, run in find(tmp_path)]


def test_trials_of_a_search_are_left_out(tmp_path):
    write(tmp_path / "a", "x", 0, {"accuracy": 1.0, "utterances": 1})
    config = yaml.safe_load((tmp_path / "a/config.yaml").read_text())
    (tmp_path / "a/config.yaml").write_text(yaml.safe_dump(config | {"search": {"sweep": "s", "trial": 3}}))
    with pytest.raises(UserError, match="no finished run of a named experiment"):
        [run for _, run in find(tmp_path)]


def test_no_path_of_this_machine_is_written(tmp_path):
    write(tmp_path / "a", "x", 0, {"accuracy": 1.0, "utterances": 1}, "model.init.checkpoint=/home/me/best.ckpt")
    assert "model.init.checkpoint=DIR/best.ckpt" in table([run for _, run in find(tmp_path)])
    assert "/home" not in table([run for _, run in find(tmp_path)])


def test_the_table_goes_between_the_marks(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    rows = table([]) + "\n| a | b | c | d | e | f |"
    insert(rows, page)
    assert page.read_text() == f"before\n{BEGIN}\n{rows}\n{END}\nafter\n"
    page.write_bytes(b"\xff")
    with pytest.raises(UserError, match=r"cannot be used \(not UTF-8"):
        insert("new", page)
    page.write_text("no marks")
    with pytest.raises(UserError, match="has no line"):
        insert("new", page)


def test_evaluations_have_a_line_each(tmp_path):
    write(tmp_path / "a", "ete_lstm", 0, {"wer": 0.5, "cer": 0.25, "utterances": 10})
    costs = {"keras_parameters": 76316, "multiply_adds": 7_610_000, "latency_ms": 7.6}
    found = {"clean": {"wer": 0.5, "cer": 0.25}, "snr_db": {"10": {"wer": 0.9, "cer": 0.8}}} | costs
    entries = {"noise=white": found, "decode=beam noise=/home/me/kitchen": found}
    (tmp_path / "a" / "evaluation.json").write_text(json.dumps(entries))
    _, _, first, second = cells(evaluations([run for _, run in find(tmp_path)]))
    figures = ["50.00 / 25.00", "10 dB: 90.00 / 80.00", "76,316", "7.61", "7.6"]
    assert first == ["ete_lstm, seed 0", "white noise", *figures]
    assert second == ["ete_lstm, seed 0", "decode=beam kitchen noise", *figures]
    assert not evaluations([])


def test_evaluations_of_changed_runs_say_what_was_changed(tmp_path):
    write(tmp_path / "a", "x", 0, {"accuracy": 1.0, "utterances": 1}, "dataset.split.speakers=[theo]")
    found = {"clean": {"accuracy": 1.0}, "snr_db": {}, "keras_parameters": 1, "multiply_adds": 1, "latency_ms": 1}
    (tmp_path / "a" / "evaluation.json").write_text(json.dumps({"noise=white": found}))
    _, _, row = cells(evaluations([run for _, run in find(tmp_path)]))
    assert row[0] == "x, dataset.split.speakers=[theo] seed 0"
    (tmp_path / "a" / "evaluation.json").write_text("{")
    with pytest.raises(UserError, match=r"evaluation\.json cannot be read"):
        list(find(tmp_path))

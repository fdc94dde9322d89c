"""The files of a run folder that somebody changed: each is named, with what is wrong in it."""

from __future__ import annotations

import json

import pytest

from asrx.report.files import read_metrics, read_run_id
from asrx.report.folder import read_run
from asrx.types import UserError

WRONG = [
    ("metrics.json", "[]", "metrics.json holds no mapping"),
    ("metrics.json", "{}", "metrics.json: kind is None"),
    ("metrics.json", '{"kind": "error_rate", "test": null}', "metrics.json: state is None"),
    ("metrics.json", '{"kind": "error_rate", "state": "finished", "test": 3}', "metrics.json: test is 3"),
    ("metrics.json", '{"kind": "x", "state": "y", "test": {"wer": "low"}}', r"test\.wer is 'low', no number"),
    ("environment.json", "[]", "environment.json holds no mapping"),
    ("environment.json", "[" * 99999, "environment.json cannot be read"),
    ("overrides.yaml", "{}", "overrides.yaml is no list of overrides"),
    ("overrides.yaml", "[3]", "overrides.yaml is no list of overrides"),
]


@pytest.mark.parametrize(("name", "text", "answer"), WRONG, ids=[answer for _, _, answer in WRONG])
def test_what_no_run_has_written_is_named(make_run, name, text, answer):
    folder = make_run("error_rate", [("one", "one")])
    (folder / name).write_text(text)
    with pytest.raises(UserError, match=answer):
        read_run(folder)


@pytest.mark.parametrize(("field", "value"), [("reference", 3), ("score", "high"), ("audio", None), ("speaker", [1])])
def test_a_prediction_of_another_kind_is_named(make_run, field, value):
    folder = make_run("error_rate", [("one", "one")])
    path = folder / "predictions.jsonl"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(UserError, match=rf"predictions\.jsonl cannot be read .*{field} is"):
        read_run(folder)


def test_a_folder_without_files_was_not_tested_and_has_no_name(tmp_path):
    assert read_metrics(tmp_path)["test"] is None
    with pytest.raises(UserError, match=r"environment\.json has no run_id"):
        read_run_id(tmp_path)

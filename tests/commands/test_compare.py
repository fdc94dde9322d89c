from __future__ import annotations

import csv
import subprocess
import sys

import pytest
from sweeps import write_run, write_search, write_sweep

from asrx.commands.compare import main

LATER = [f"sweep trial {n}" for n in (2, 3, 4)]


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Call the command in an empty folder: arguments in, what it prints out."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def call(*arguments) -> list[str]:
        monkeypatch.setattr(sys, "argv", ["asrx compare", *map(str, arguments)])
        capsys.readouterr()
        main()
        return capsys.readouterr().out.splitlines()

    return call


@pytest.fixture
def runs(tmp_path):
    """Two runs of 100 utterances: 90 and 40 are right."""
    counts = {"good": 90, "bad": 40}
    return [
        write_run(tmp_path / name, [n < count for n in range(100)], [f"model={name}", "seed=0"])
        for name, count in counts.items()
    ]


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_runs_are_compared_in_the_folder_one_is_in(command, runs, tmp_path):
    head, best, other, *rest = command(*runs)
    assert head.split("  ")[0] == "system"
    assert best.split()[:2] == ["good", "90.00"] and best.endswith("best")
    assert other.split()[:2] == ["bad", "40.00"] and other.endswith("worse")
    assert rest[0] == "good is best (accuracy 90.00 %); none is within noise of it; 1 other is worse."
    assert rest[2:] == ["Page: compare.html", "Table: compare.csv"]
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["compare.csv", "compare.html"]


def test_a_sweep_alone_is_compared_in_its_own_folder(command, tmp_path):
    folder = write_sweep(tmp_path / "sweep", finished=25, utterances=40)
    printed = command(folder)
    assert "val/accuracy" in printed[0]
    assert len([line for line in printed if line.startswith("trial ") and "is best" not in line]) == 20
    assert "and 5 more" in printed
    assert printed[-2:] == [f"Page: {folder / 'compare.html'}", f"Table: {folder / 'compare.csv'}"]
    assert not list((tmp_path / "here").iterdir())


def test_the_table_holds_every_system_and_fact(command, runs, tmp_path):
    sweep = write_sweep(tmp_path / "sweep", finished=2, utterances=100, part="test")
    command(runs[0], sweep, "--into", tmp_path / "new" / "folder")
    rows = table(tmp_path / "new" / "folder" / "compare.csv")
    assert [row["name"] for row in rows] == ["sweep trial 1", "good", "sweep trial 0", *LATER]
    trial, run, _, pruned, failed, running = rows
    assert (run["rank"], run["state"], run["metric"], run["param/model"]) == ("2", "finished", "", "good")
    assert (run["accuracy"], run["utterances"], run["shared_utterances"], run["parameters"]) == (
        "0.9",
        "100",
        "100",
        "61690",
    )
    assert float(run["accuracy_low"]) < 0.9 < float(run["accuracy_high"])
    assert float(run["difference"]) == pytest.approx(0.9 - float(trial["accuracy"]))
    assert float(run["p"]) <= float(run["p_adjusted"])
    assert (trial["metric"], trial["runs"], trial["steps"], trial["seconds"]) == ("val/accuracy", "2", "100", "10.0")
    assert float(trial["param/optimizer.lr"]) == pytest.approx(0.1)
    assert float(trial["score"]) == pytest.approx(float(trial["accuracy"]))
    assert (trial["verdict"], trial["p"], trial["param/augment.width"], trial["param/model"]) == ("best", "", "", "")
    assert (pruned["rank"], pruned["state"], pruned["score"], pruned["accuracy"]) == ("", "pruned", "0.2", "")
    assert failed["reason"] == "<b>loss</b> is not finite"
    assert running["seconds"] == ""


def test_folders_of_one_name_are_told_apart(command, tmp_path):
    folders = [write_run(tmp_path / parent / "run", [True] * 5) for parent in "ab"]
    command(*folders, folders[0])
    assert [row["name"] for row in table("compare.csv")] == [str(folder) for folder in folders]


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("nowhere", "nowhere is no run folder and no sweep folder"),
        ("begun", "begun has no ledger.jsonl"),
    ],
)
def test_what_is_no_result_is_answered_in_a_sentence(command, tmp_path, folder, message):
    write_search(tmp_path / "begun")
    with pytest.raises(SystemExit, match=message):
        command(tmp_path / folder)


def test_a_place_that_cannot_be_written_is_told(command, runs, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit, match=r"cannot be written into .*: name another, --into"):
        command(*runs, "--into", tmp_path / "file")


def test_import_is_light():
    heavy = "{'torch', 'numpy', 'matplotlib', 'jinja2', 'sklearn'}"
    code = f"import sys, asrx.commands.compare; print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"

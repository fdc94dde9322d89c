from __future__ import annotations

import base64
import hashlib
import re

import pytest
from pages import Page
from sweeps import write_run, write_sweep

from asrx.commands.compare import compare


@pytest.fixture
def page_of(tmp_path):
    """The page of a comparison of folders."""

    def page(*folders) -> Page:
        compare(folders, tmp_path / "into")
        return Page(tmp_path / "into" / "compare.html")

    return page


def drawn(page, kind):
    """The polylines of a class."""
    return [line for line in page.all("polyline") if kind in line["class"].split()]


def test_a_sweeps_page(page_of, tmp_path):
    folder = write_sweep(tmp_path / "sweep", speakers=20)
    page = page_of(folder)
    assert list(page.text)[1:] == ["summary", "table", "conditions", "reading", "curves", "search-1", "cost"]
    assert re.search(r"trial 11 is best \(val/accuracy 0\.9\d+\)", page.text["summary"])
    assert f"python -m asrx compare {folder}" in page.text["summary"]
    assert "same 240 utterances of the validation part" in page.text["table"]
    assert "Whole speakers are drawn (20)" in page.text["reading"]
    # all trials that have an epoch: twelve and the pruned one
    assert [len(drawn(page, kind)) for kind in ("hue", "faint")] == [12, 1]
    assert [len(drawn(page, kind)) for kind in ("ranked", "n0")] == [12, 1]
    assert "15 of 20" in page.text["search-1"]
    assert "finished 12 1,200 2 min 00 s running 1 0 0.0 s pruned 1 20 10 s failed 1 5 10 s" in page.text["cost"]
    assert "all 15 1,225 2 min 20 s" in page.text["cost"]


def test_what_was_not_ranked_stands_apart_with_its_reason(page_of, tmp_path):
    table = page_of(write_sweep(tmp_path / "sweep", finished=2, utterances=40)).text["table"]
    ranked, _, rest = table.partition("Not ranked")
    assert "trial 2" not in ranked
    assert "trial 2 pruned 0.2 0.0002 none 1 - 20 10 s below the median at step 20" in rest
    # markup in a reason is text
    assert "trial 3 failed - 0.09 none 1 - 5 10 s <b>loss</b> is not finite" in rest
    assert "trial 4 running" in rest


def test_the_page_is_offline_runs_its_own_script_alone_and_is_a_function_of_its_folders(page_of, tmp_path):
    folder = write_sweep(tmp_path / "sweep", finished=11, utterances=40)
    page = page_of(folder)
    first = (tmp_path / "into" / "compare.html").read_bytes()
    assert not {"link", "iframe", "img", "image"} & {tag for tag, _ in page.tags}
    (script,) = re.findall("<script>(.*?)</script>", first.decode(), re.DOTALL)
    fingerprint = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = [tag["content"] for name, tag in page.tags if tag.get("http-equiv") == "Content-Security-Policy"]
    assert policy.endswith(f"script-src 'sha256-{fingerprint}'")
    assert not [attributes for _, attributes in page.tags if {"src", "href"} & attributes.keys()]
    assert not re.search(r"url\(|@import", page.text[""])
    page_of(folder)
    assert (tmp_path / "into" / "compare.html").read_bytes() == first


def test_a_system_is_known_in_every_figure(page_of, tmp_path):
    page = page_of(write_sweep(tmp_path / "sweep", finished=3, utterances=40))
    of_row = {row["data-words"].split(",")[0]: row["data-system"] for row in page.all("tr") if "data-system" in row}
    assert set(of_row) == {"finished", "pruned", "failed", "running"}
    systems = [row["data-system"] for row in page.all("tr") if "data-system" in row]
    assert len(set(systems)) == 6
    assert {
        dot["data-system"] for dot in page.all("circle") if "trial" in dot["class"].split() and "data-system" in dot
    } == set(systems)
    assert {line["data-system"] for line in drawn(page, "ranked")} == set(systems[:3])
    assert {group["data-system"] for group in page.all("g")} == {*systems[:3], of_row["pruned"]}


def test_numbers_are_sorted_as_numbers(page_of, tmp_path):
    page = page_of(write_sweep(tmp_path / "sweep", finished=3, utterances=40))
    values = [cell.get("data-value") for cell in page.all("td")]
    assert {"1", "2", "3", "0.2"} <= set(values)
    assert all(float(value) == float(value) for value in values if value is not None)


def test_a_row_says_how_far_it_is_from_the_best(page_of, tmp_path):
    good, bad = write_run(tmp_path / "good", [1] * 90 + [0] * 10), write_run(tmp_path / "bad", [1] * 40 + [0] * 60)
    table = page_of(bad, good).text["table"]
    assert "good 1 best 90.00 84.00 to 95.00 - - - - 61,690 30 10 s" in table
    assert re.search(r"bad 2 worse 40\.00 3\d\.00 to [45]\d\.00 -50\.00 -\d+\.00 to -\d+\.00 < 0\.001 < 0\.001", table)


def test_runs_have_no_search_and_the_page_says_what_differs(page_of, tmp_path):
    folders = [write_run(tmp_path / f"r{n}", [1, 0] * 20, [f"seed={n}", "dataset=fsdd"], first=n) for n in range(2)]
    page = page_of(*folders)
    assert "2 runs" in page.text["summary"]
    assert "search-1" not in page.text
    assert "seed" in page.text["table"] and "fsdd" not in page.text["table"]
    assert "They answered different utterances" in page.text["table"]
    assert len(drawn(page, "hue")) == 2


def test_what_cannot_be_drawn_is_said(page_of, tmp_path):
    folder = write_sweep(tmp_path / "sweep", finished=1, utterances=40)
    for path in folder.rglob("metrics.csv"):
        path.unlink()
    page = page_of(folder)
    assert "trial 0 (val/accuracy" in page.text["summary"] and "is the only one" in page.text["summary"]
    assert "nothing to draw" in page.text["curves"]
    assert "here are 1 finished" in page.text["search-1"]
    assert "here are 1 and 0" in page.text["search-1"]


def test_seeds_are_drawn_as_their_mean_as_far_as_both_went(page_of, tmp_path):
    folder = write_sweep(tmp_path / "sweep", finished=1, utterances=40)
    for seed, text in enumerate(["0,10,0.2\n1,20,0.6\n", "0,10,0.4\n"]):
        (folder / "000" / f"seed{seed}" / "metrics.csv").write_text(f"epoch,step,val/accuracy\n{text}")
    page = page_of(folder)
    trial, pruned = [line["points"].split() for line in drawn(page, "hue")][::-1]
    assert (len(trial), len(pruned)) == (1, 2)
    assert "trial 0, epoch 0: 30 %" in page.text["curves"]

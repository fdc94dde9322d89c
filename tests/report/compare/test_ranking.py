from __future__ import annotations

import json

import numpy as np
import pytest
from sweeps import row, write_ledger, write_run, write_search

from asrx.report.compare.ranking import caveats, rank, verdict
from asrx.report.compare.systems import of_run, of_trial
from asrx.report.folder import read_run
from asrx.report.sweep import read_sweep
from asrx.types import UserError


def run(tmp_path, name, right, **changes):
    return of_run(read_run(write_run(tmp_path / name, right, **changes)), name)


def hits(count, of=200):
    return np.arange(of) < count


def test_runs_are_ranked_by_their_errors(tmp_path):
    systems = [run(tmp_path, name, hits(count)) for name, count in [("b", 150), ("a", 180), ("c", 178), ("d", 100)]]
    ranking = rank(systems, None)
    assert [one.system.name for one in ranking.standings] == ["a", "c", "b", "d"]
    assert [one.figure for one in ranking.standings] == [0.9, 0.89, 0.75, 0.5]
    best, near, far, _ = ranking.standings
    assert best.versus is None and best.interval[0] < 0.9 < best.interval[1]
    assert (near.versus.verdict, far.versus.verdict) == ("within noise", "worse")
    assert far.versus.difference == pytest.approx(-0.15)
    assert far.versus.interval[0] < -0.15 < far.versus.interval[1] < 0
    assert far.versus.p < far.versus.adjusted < 0.05 < near.versus.adjusted
    assert verdict(ranking) == "a is best (accuracy 90.00 %); c is within noise of it; 2 others are worse"
    assert "not every utterance" not in ranking.draw.why and "only 1 speaker " in ranking.draw.why


def test_a_transcripts_figure_rises_with_its_errors(make_run, tmp_path):
    right = make_run("error_rate", [("a b c d", "a b c d")] * 40).rename(tmp_path / "right")
    wrong = make_run("error_rate", [("a b c d", "a b x d")] * 40).rename(tmp_path / "wrong")
    ranking = rank([of_run(read_run(folder), folder.name) for folder in (wrong, right)], None)
    assert verdict(ranking) == "right is best (WER 0.00 %); none is within noise of it; 1 other is worse"
    assert ranking.standings[1].versus.interval == (0.25, 0.25)


def test_a_sweeps_trials_are_ranked_by_its_score(tmp_path):
    folder = write_search(tmp_path / "sweep", metric="val/loss", direction="min")
    for number, right in enumerate([hits(120), hits(190), hits(121)]):
        write_run(folder / f"{number:03d}" / "seed0", right)
    scores = [0.1, 0.2, 0.3]
    write_ledger(folder, [row(n, "finished", {}, score) for n, score in enumerate(scores)])
    sweep = read_sweep(folder)
    ranking = rank([of_trial(sweep, trial, f"trial {trial.number}") for trial in sweep.trials], sweep)
    assert [one.system.search.score for one in ranking.standings] == scores
    assert verdict(ranking) == (
        "trial 0 is best (val/loss 0.1); trial 2 is within noise of it; "
        "trial 1 makes fewer errors, though its score is worse"
    )


def test_systems_are_compared_over_what_they_share(tmp_path):
    long, short = run(tmp_path, "long", [1] * 100 + [0] * 300), run(tmp_path, "short", [1] * 98 + [0, 0])
    ranking = rank([long, short], None)
    assert [one.system.name for one in ranking.standings] == ["short", "long"]
    assert ranking.standings[1].figure == 0.25
    assert (ranking.standings[1].versus.shared, ranking.standings[1].versus.difference) == (100, pytest.approx(0.02))


def test_speakers_are_drawn_where_there_are_ten(tmp_path):
    # half of the speakers are always understood
    right = np.arange(400) % 20 < 10
    singles = rank([run(tmp_path, "singles", right, speakers=9)], None)
    speakers = rank([run(tmp_path, "speakers", right, speakers=20)], None)
    assert (singles.draw.speakers, len(set(speakers.draw.speakers.values()))) == (None, 20)
    widths = [high - low for low, high in (one.standings[0].interval for one in (singles, speakers))]
    assert widths == [pytest.approx(0.098, abs=0.01), pytest.approx(0.43, abs=0.06)]
    assert "Whole speakers are drawn (20)" in speakers.draw.why


def test_without_all_speakers_utterances_are_drawn(tmp_path):
    folder = write_run(tmp_path / "run", hits(10, 20), speakers=20)
    rows = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    rows[3]["speaker"] = None
    (folder / "predictions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    draw = rank([of_run(read_run(folder), "run")], None).draw
    assert draw.speakers is None and "not every utterance names its speaker" in draw.why


def test_many_tests_get_resamples_enough_to_tell(tmp_path):
    best, others = run(tmp_path, "best", hits(200)), [run(tmp_path, f"o{n}", hits(20)) for n in range(3)]
    many = rank([best, *others * 90], None)
    assert many.draw.resamples == 27_100
    assert {one.versus.verdict for one in many.standings[1:]} == {"worse"}


def test_what_cannot_be_compared_is_told(tmp_path, make_run, digits):
    ours = run(tmp_path, "ours", hits(5, 10))
    with pytest.raises(UserError, match="their parts are val and test"):
        rank([ours, run(tmp_path, "validated", hits(5, 10), part="val")], None)
    with pytest.raises(UserError, match="their kinds are error_rate and classification"):
        rank([ours, of_run(read_run(make_run("error_rate", digits)), "words")], None)
    with pytest.raises(UserError, match="has been tested yet"):
        rank([of_run(read_run(make_run("classification", None)), "untested")], None)


def test_tests_that_share_nothing_are_compared_unpaired(tmp_path):
    """By lines they would be paired, and every difference would look certain."""
    better, same = hits(190), hits(189)
    ranking = rank([run(tmp_path, "a", better), run(tmp_path, "b", same, first=1000)], None)
    versus = ranking.standings[1].versus
    assert (versus.shared, versus.verdict) == (0, "within noise")
    assert versus.interval[0] < -0.03 and versus.interval[1] > 0.03
    assert verdict(ranking) == (
        "No recording is in two of these 2 tests, as where each leaves out another speaker: "
        "accuracy 94.75 % on average, from 95.00 % (a) to 94.50 % (b)"
    )
    assert caveats(ranking)[1:] == ["They are compared unpaired, and what differs may be the recordings."]
    three = rank([run(tmp_path, "c", better), run(tmp_path, "d", same), run(tmp_path, "e", same, first=1000)], None)
    assert "e answered other utterances than c: compared unpaired." in caveats(three)
    partly = rank([run(tmp_path, "f", better), run(tmp_path, "g", same, first=50)], None)
    assert "Paired with f on the utterances that both answered: g (150 of 200)." in caveats(partly)
    assert verdict(three).startswith("c is best") and verdict(partly).startswith("f is best")


def test_answers_to_other_references_are_not_paired(tmp_path):
    folders = [write_run(tmp_path / name, hits(count)) for name, count in (("a", 190), ("b", 189))]
    rows = (folders[1] / "predictions.jsonl").read_text().splitlines()
    changed = [line.replace('"reference": "yes"', '"reference": "yeah"') for line in rows[:40]]
    (folders[1] / "predictions.jsonl").write_text("\n".join([*changed, *rows[40:]]))
    ranking = rank([of_run(read_run(folder), folder.name) for folder in folders], None)
    assert ranking.standings[1].versus.shared == 160
    assert "The references are not those of a, and such are not paired: b (40 recordings)." in caveats(ranking)


def test_one_system_is_only_shown(tmp_path):
    assert (
        verdict(rank([run(tmp_path, "one", hits(150))], None)) == "one (accuracy 75.00 %) is the only one with a result"
    )


def test_many_within_noise_are_not_all_named(tmp_path):
    systems = [run(tmp_path, f"r{n}", hits(150)) for n in range(11)]
    assert "r7, r8 and 2 more are within noise of it" in verdict(rank(systems, None))


def test_an_interval_without_width_is_explained(tmp_path):
    some = rank([run(tmp_path, "some", hits(150))], None)
    every = rank([run(tmp_path, "every", hits(200))], None)
    assert len(caveats(some)) == 1
    assert "an error rate of 1.5 % would have shown no error" in caveats(every)[1]

from __future__ import annotations

from dataclasses import replace

import pytest

from asrx.config.compose import set_up_hydra
from asrx.search.ledger import Ledger, Trial
from asrx.search.sweep import Sweep
from asrx.types import UserError

SETTINGS = {
    "space": {"model.encoder.width": "choice(8, 16, 24)", "augment": "choice(none, specaug)"},
    "method": {"_target_": "asrx.search.methods.Grid"},
    "trials": None,
    "folds": 1,
    "repeats": 1,
    "prune": None,
    "seed": 0,
    "jobs": 1,
    "max_failure_rate": 0.5,
    "retry_failed": False,
    "dry_run": False,
}


@pytest.fixture
def sweep(tmp_path):
    set_up_hydra()

    def make(fixed=(), metric="val/cer", direction="min", **changes) -> Sweep:
        made = Sweep(tmp_path, list(fixed), metric, direction, 0, SETTINGS | changes)
        made.save()
        assert Sweep.load(tmp_path) == made
        return made

    return make


def review(sweep: Sweep) -> None:
    sweep.ledger().write(sweep.reviewed())


def finish(sweep: Sweep, claim, score: float, **changes) -> None:
    scored = sweep.scored(claim.trial, {run.name: score for run in sweep.runs(claim.trial.params)})
    sweep.ledger().put(replace(scored, **changes))
    claim.lock.release()


def test_trials_are_numbered_in_order_and_end_with_the_space(sweep):
    made, seen = sweep(), []
    while claim := made.claim():
        seen.append((claim.trial.trial, claim.trial.params))
        finish(made, claim, 0.5)
    assert [number for number, _ in seen] == list(range(6))
    assert [params for _, params in seen] == list(made.space().grid())


def test_what_runs_elsewhere_is_left_to_it_and_what_was_left_behind_is_taken(sweep):
    made = sweep()
    first, second = made.claim(), made.claim()
    assert (first.trial.trial, second.trial.trial) == (0, 1)
    first.lock.release()  # as the system does for a process that was killed
    again = made.claim()
    assert again.trial == first.trial
    assert made.claim().trial.trial == 2
    assert len(made.ledger().read()) == 3


def test_a_budget_ends_the_sweep_and_a_larger_one_continues_it(sweep):
    made = sweep(trials=2)
    while claim := made.claim():
        finish(made, claim, 0.5)
    assert len(made.ledger().read()) == 2
    more = sweep(trials=3)
    review(more)
    assert more.claim().trial.trial == 2


def test_another_space_keeps_the_trials_that_fit(sweep):
    made = sweep()
    while claim := made.claim():
        finish(made, claim, 0.5)
    other = sweep(space={"model.encoder.width": "choice(16, 32)", "augment": "choice(none, specaug)"})
    review(other)
    assert [trial.fits for trial in other.ledger().read()] == [False, False, True, True, False, False]
    new = []
    while claim := other.claim():
        new.append((claim.trial.trial, claim.trial.params["model.encoder.width"]))
        finish(other, claim, 0.5)
    assert new == [(6, 32), (7, 32)]


def test_trials_of_another_config_do_not_count(sweep):
    made = sweep()
    finish(made, made.claim(), 0.1)
    for change in ({"fixed": ["optimizer.lr=0.5"]}, {"metric": "val/wer"}):
        other = sweep(**change)
        review(other)
        assert not other.ledger().read()[0].fits and other.best() is None
    back = sweep()
    review(back)
    assert back.best().trial == 0


def test_how_results_are_shown_changes_no_trial(sweep):
    made = sweep()
    finish(made, made.claim(), 0.1)
    same = sweep(fixed=["logger=[csv,tensorboard]", "trainer.enable_progress_bar=false"])
    review(same)
    assert same.ledger().read()[0].fits


def test_every_fold_is_run_with_every_seed(sweep):
    runs = sweep(folds=2, repeats=2, metric="test/cer").runs({})
    assert [run.name for run in runs] == [f"fold{f}of2_seed{s}" for f in (1, 2) for s in (0, 1)]
    assert runs[2].overrides == ["seed=0", "test_part=test", "dataset.fold={of:2,index:1}"]
    assert sweep().runs({}) == [("seed0", ["seed=0", "test_part=val"])]


def test_a_seed_that_is_searched_is_the_first_of_its_trial(sweep):
    assert [run.overrides[0] for run in sweep(repeats=2).runs({"seed": 5})] == ["seed=5", "seed=6"]


def test_more_repeats_are_added_to_finished_trials(sweep):
    made = sweep(trials=1)
    finish(made, made.claim(), 0.5)
    more = sweep(trials=1, repeats=2)
    review(more)
    claim = more.claim()
    assert (claim.trial.trial, claim.trial.state, claim.trial.scores) == (0, "running", {"seed0": 0.5})
    assert more.scored(claim.trial, {"seed0": 0.5, "seed1": 0.7}).score == pytest.approx(0.6)


def test_a_trial_that_has_all_scores_of_fewer_repeats_is_finished(sweep):
    made = sweep(repeats=2)
    claim = made.claim()
    made.ledger().put(replace(claim.trial, scores={"seed0": 0.5}))
    claim.lock.release()
    fewer = sweep(repeats=1)
    review(fewer)
    assert (fewer.ledger().read()[0].state, fewer.best().score) == ("finished", 0.5)
    assert fewer.claim().trial.trial == 1


def test_many_failures_end_the_sweep_until_they_are_tried_again(sweep):
    made = sweep()
    for number in range(3):
        claim = made.claim()
        made.ledger().put(replace(claim.trial, state="failed", reason=f"Reason {number}."))
        claim.lock.release()
    with pytest.raises(UserError, match=r"3 of 3 trials failed.*Reason 2\. .*retry_failed"):
        made.claim()
    assert sweep(max_failure_rate=1.0).claim().trial.trial == 3
    again = sweep(retry_failed=True)
    review(again)
    assert again.claim().trial.trial == 0


@pytest.mark.parametrize(("direction", "best"), [("min", 1), ("max", 0)])
def test_the_best_is_the_best_that_was_finished(sweep, direction, best):
    made = sweep(direction=direction)
    for score, state in ((0.5, "finished"), (0.3, "finished"), (0.1 if direction == "min" else 0.9, "pruned")):
        finish(made, made.claim(), score, state=state)
    assert made.best().trial == best


@pytest.mark.parametrize("line", ["{", '{"trial": 1}', "[]", "same"])
def test_a_broken_line_is_named(tmp_path, line):
    ledger = Ledger(tmp_path)
    ledger.write([Trial(0, {}, "x")])
    whole = ledger.path.read_text()
    ledger.path.write_text(whole + (whole if line == "same" else line + "\n"))
    with pytest.raises(UserError, match=r"ledger\.jsonl, line 2: .*mend the line or take it out"):
        ledger.read()


@pytest.mark.parametrize("change", ["dataset=synthetic", "dataset/split=random", "dataset.split.seed=7"])
def test_trials_of_other_data_do_not_count(sweep, change):
    made = sweep(fixed=["dataset/split=stratified"])
    finish(made, made.claim(), 0.1)
    other = sweep(fixed=["dataset/split=stratified", change])
    assert [trial.fits for trial in other.reviewed()] == [change == "dataset=synthetic"]


def test_a_number_is_never_given_twice(sweep):
    made = sweep()
    for _ in range(3):
        finish(made, made.claim(), 0.5)
    made.ledger().write(made.ledger().read()[:1])  # as the answer to a broken line says
    claims = [made.claim() for _ in range(2)]
    assert [claim.trial.trial for claim in claims] == [3, 4]


def test_what_another_rule_pruned_goes_on(sweep):
    made = sweep(prune="asha")
    finish(made, made.claim(), 0.5, state="pruned", rule="asha", scores={})
    assert made.reviewed()[0].state == "pruned"
    assert sweep(prune="median").reviewed()[0].state == "running"
    assert sweep(prune=None).reviewed()[0].state == "running"

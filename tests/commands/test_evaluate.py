from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest
import soundfile
import torch
from corpus import write_manifest
from mixtures import UNET
from omegaconf import OmegaConf

from asrx.augment.background_noise import BackgroundNoise
from asrx.augment.noise import WhiteNoise
from asrx.commands.evaluate import main
from asrx.config.saved import config_of
from asrx.evaluation.measure import cost, encoded, probabilities, scores
from asrx.evaluation.trained import load

FAST = ["trainer=cpu", "trainer.enable_progress_bar=false", "model.encoder.width=16", "model.encoder.channels=[4,8]"]
SHORT = [*FAST, "dataset.batch_size=8", "trainer.max_epochs=2"]


@pytest.fixture
def evaluate(monkeypatch, capsys):
    """Call the command in this process: arguments in, the words of its table's lines out."""

    def command(*arguments) -> list[list[str]]:
        monkeypatch.setattr(sys, "argv", ["asrx evaluate", *map(str, arguments)])
        capsys.readouterr()
        main()
        return [[cell.strip() for cell in line.split("  ") if cell] for line in capsys.readouterr().out.splitlines()]

    return command


def written(folder):
    return json.loads((folder / "evaluation.json").read_text())


def percent(figures, *names) -> str:
    return " / ".join(f"{100 * figures[name]:.2f}" for name in names)


def test_a_run_is_tested_again_and_every_setting_is_kept(launch, tones, evaluate):
    run = launch(*tones, *SHORT, "features.normalize=corpus")
    metrics = json.loads((run / "metrics.json").read_text())
    head, row = evaluate(run, "--snr", "10")
    figures = written(run)["noise=white"]
    assert figures["clean"] == {name: value for name, value in metrics["test"].items() if name != "loss"}
    assert (figures["parameters"], figures["keras_parameters"]) == (metrics["parameters"], metrics["keras_parameters"])
    assert head == "run,figures in %,clean,10 dB,parameters,as Keras,MMAC/s,latency ms,RTF".split(",")
    cells = [percent(part, "wer", "cer") for part in (figures["clean"], figures["snr_db"]["10"])]
    assert row[:5] == [str(run), "WER / CER", *cells, f"{metrics['parameters']:,}"]

    evaluate(run, "--snr", "20")
    assert written(run)["noise=white"]["snr_db"].keys() == {"10", "20"}
    figures = written(run)["noise=white"]

    evaluate(run, "decode=beam", "decode.beam=5", "--snr")
    answers = written(run)
    assert set(answers) == {"noise=white", "decode.beam=5 decode=beam noise=white"}
    assert answers["noise=white"] == figures
    assert answers["decode.beam=5 decode=beam noise=white"]["snr_db"] == {}
    cfg = config_of(run, ["decode=beam", "decode.beam=5"])
    assert load(run, cfg).pipeline.objective.decoder.search.beam == 5


def test_an_override_reaches_what_refers_to_it(copy_of, tones):
    run = copy_of(*tones, *SHORT, "trainer.max_epochs=1")
    cfg = config_of(run, ["dataset.sample_rate=4000"])
    assert (cfg.features.sample_rate, cfg.features.n_mels) == (4000, 20)


def test_work_and_time_are_those_of_single_utterances(launch, tones):
    run = launch(*tones, *FAST[:2], "trainer.max_epochs=1", "model/encoder=lstm", "model.encoder.width=16")
    trained = load(run, config_of(run, []))
    figures, lstm = cost(trained), trained.pipeline.encoder
    assert not trained.pipeline.training
    weights = (
        sum(p.numel() for name, p in lstm.named_parameters() if p.dim() == 2)
        + trained.pipeline.objective.head.weight.numel()
    )
    frames = sum(trained.pipeline.out_len(int(n)) for n in trained.data.store.lengths[trained.data.places["test"]])
    assert figures["multiply_adds"] == pytest.approx(weights * frames / trained.data.seconds("test"))
    assert 0 < figures["latency_ms"] < 10_000 and 0 < figures["real_time_factor"] < 10


def waves(trained, noise) -> dict[str, torch.Tensor]:
    """What the model is given, by the utterance's name."""
    through = trained._replace(pipeline=lambda wave_BT, lengths_B: (wave_BT, lengths_B))
    names = [u.id for u in trained.data.utterances["test"]]
    return {
        names[i]: wave_T[:n]
        for batch, wave_BT, lengths_B in encoded(through, noise)
        for i, wave_T, n in zip(batch.index_B.tolist(), wave_BT, lengths_B.tolist(), strict=True)
    }


def test_every_run_meets_the_same_noise_at_the_ratio_it_asks_for(copy_of, tones, tmp_path):
    run = copy_of(*tones, *SHORT, "trainer.max_epochs=1")
    one, other = (load(run, config_of(run, [f"dataset.batch_size={size}"])) for size in (1, 5))
    (tmp_path / "noise").mkdir()
    soundfile.write(tmp_path / "noise" / "noise.wav", np.random.default_rng(0).normal(0, 0.1, 16000), 8000)
    clean = waves(one, None)
    for noise in (WhiteNoise((3, 3), 1.0), BackgroundNoise(str(tmp_path / "noise"), 8000, (3, 3), 1.0)):
        ours, theirs = waves(one, noise), waves(other, noise)
        for name, wave in clean.items():
            assert torch.equal(ours[name], theirs[name])
            ratio = 10 * (wave.square().mean() / (ours[name] - wave).square().mean()).log10()
            assert ratio == pytest.approx(3, abs=0.5)
        added = [(ours[name] - wave)[:500] for name, wave in clean.items()]
        assert not torch.allclose(added[0] / added[0].norm(), added[1] / added[1].norm())


def test_loud_noise_ruins_an_answer_and_faint_noise_does_not(launch, tone_labels, tmp_path, evaluate):
    run = launch(*tone_labels, *FAST, "dataset.batch_size=8", "trainer.max_epochs=30", "optimizer.lr=0.01")
    (tmp_path / "noise").mkdir()
    soundfile.write(tmp_path / "noise" / "noise.wav", np.random.default_rng(0).normal(0, 0.1, 16000), 8000)
    for arguments in ([], ["--noise", tmp_path / "noise"]):
        _, row = evaluate(run, *arguments, "--snr", "60", "-40")
        clean, faint, loud = (float(cell.split(" / ")[0]) for cell in row[2:5])
        assert abs(clean - faint) <= 12.5  # one of eight
        assert min(clean, faint) > loud
    assert set(written(run)) == {"noise=white", f"noise={tmp_path / 'noise'}"}


def test_figures_that_cannot_be_kept_are_printed_all_the_same(trained_run, tmp_path, monkeypatch, capsys):
    folder = shutil.copytree(trained_run, tmp_path / "run")
    (folder / "evaluation.part").mkdir()  # as good as a folder that cannot be written into
    monkeypatch.setattr(sys, "argv", ["asrx evaluate", str(folder), "--snr"])
    with pytest.raises(SystemExit, match=r"not kept, as what would hold them cannot be written: .*evaluation\.json \("):
        main()
    assert "WER / CER" in capsys.readouterr().out
    assert not (folder / "evaluation.json").exists()


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> list[str]:
    """Overrides that choose words, long and short in turn."""
    folder = tmp_path_factory.mktemp("words")
    return [f"dataset.{part}={write_manifest(folder, ['abab', 'c'] * 4, part)}" for part in ("train", "val", "test")]


@pytest.fixture
def classifiers(copy_of, tone_labels, words):
    """Two runs that learned to tell a long word from a short one; of the test's eight the even ones are long."""
    learned = ["dataset.batch_size=4", "trainer.max_epochs=20", "optimizer.lr=0.01", "dataset/split=random"]
    return [copy_of(*tone_labels, *FAST, *words, *learned, f"seed={seed}", folder=f"run{seed}") for seed in (0, 1)]


def test_probabilities_are_in_the_order_of_the_test_part(classifiers):
    member = load(classifiers[0], config_of(classifiers[0], []))
    p_NV = probabilities(member)
    assert p_NV.sum(1).tolist() == pytest.approx([1] * 8)
    assert p_NV.argmax(1).tolist() == [0, 1] * 4
    assert scores(member)["accuracy"] == 1


def test_a_run_is_read_at_several_speeds(classifiers):
    """Between those of the slowest and of the fastest reading alone, in the mean of the logarithms."""
    run = classifiers[0]
    speeds = "augment.test={_target_:asrx.augment.test_time.Speeds,factors:%s}"
    slow, fast, both = (
        probabilities(load(run, config_of(run, [speeds % factors]))).log()
        for factors in ("[0.8]", "[1.25]", "[0.8,1.25]")
    )
    torch.testing.assert_close(both, ((slow + fast) / 2).log_softmax(1))
    assert not torch.allclose(slow, fast)


def test_an_ensemble_averages_probabilities(classifiers, evaluate, monkeypatch):
    head, *lines = evaluate(*classifiers, "--ensemble", "--snr", "60")
    assert head == ["run", "figures in %", "clean", "60 dB"]
    assert [line[0] for line in lines] == [*map(str, classifiers), "mean of the runs", "ensemble"]
    assert all(line[1:] == ["accuracy / macro F1", *["100.00 / 100.00"] * 2] for line in lines)

    # of the short word; short are the second, the fourth ...
    short_MN = torch.tensor([[0.4, 0.9, 0.4, 0.6, 0.6, 0.6, 0.4, 0.6], [0.55, 0.3, 0.3, 0.8, 0.3, 0.8, 0.3, 0.8]])
    given = iter(torch.stack([1 - short_MN, short_MN], 2))
    monkeypatch.setattr("asrx.evaluation.ensemble.probabilities", lambda trained, noise: next(given))
    _, *lines = evaluate(*classifiers, "--ensemble", "--snr")
    accuracies = [line[2].split(" / ")[0] for line in lines]
    # wrong: the fifth; the first and second; none, as the averages of the three are 0.475, 0.6 and 0.45
    assert accuracies == ["87.50", "75.00", "81.25", "100.00"]


def test_an_ensemble_needs_the_same_test_part_and_labels(classifiers, evaluate, tmp_path):
    one, other = classifiers
    cfg = OmegaConf.load(other / "config.yaml")
    for part, texts, sentence in (
        ("test", ["abab", "c"], f"{other} has other labels or test utterances than {one}"),
        ("val", ["abab", "d"] * 4, r"cannot be used .*the label 'd' is not in the training part"),
    ):
        cfg.dataset.corpus[part] = str(write_manifest(tmp_path / "words", texts, f"other-{part}"))
        OmegaConf.save(cfg, other / "config.yaml")
        with pytest.raises(SystemExit, match=sentence):
            evaluate(*classifiers, "--ensemble")


def test_what_a_run_was_trained_on_does_not_test_it(launch, miniatures, evaluate):
    data = ["dataset=fsdd", f"dataset.root={miniatures / 'FSDD'}", f"data_dir={miniatures}", "model=cnn"]
    fast = ["trainer=cpu", "trainer.enable_progress_bar=false", "trainer.max_epochs=1"]
    run = launch(*data, *fast, "dataset.split.val=0.2", "dataset.split.test=0.5", "dataset.batch_seconds=10")
    with pytest.raises(SystemExit, match=r"was trained on \d+ of the \d+ recordings of this test part, such as"):
        evaluate(run, "dataset.split.seed=1", "--snr")
    evaluate(run, "dataset.batch_seconds=20", "--snr")  # the same test part
    for part in ("val", "test"):
        evaluate(run, f"test_part={part}", "--snr")
    counts = [written(run)[f"test_part={part} noise=white"]["clean"]["utterances"] for part in ("val", "test")]
    trained = load(run, config_of(run, []))
    assert counts == [len(trained.data.utterances[part]) for part in ("val", "test")]
    assert counts[0] < counts[1]


def test_a_run_of_an_earlier_version_has_the_defaults_of_later_keys(launch, copy_of, tones, evaluate):
    run = copy_of(*tones, *SHORT, "trainer.max_epochs=1")
    _, row = evaluate(run, "--snr")
    cfg = OmegaConf.load(run / "config.yaml")
    del cfg.augment.test, cfg.dataset.fold, cfg.test_part
    OmegaConf.save(cfg, run / "config.yaml")
    assert evaluate(run, "--snr")[1][:3] == row[:3]
    with pytest.raises(SystemExit, match="an earlier version of asrx began that run: start a new one"):
        launch(f"resume={run}")


def test_wrong_input_is_answered_in_a_sentence(copy_of, tones, evaluate, tmp_path):
    run = copy_of(*tones, *SHORT, "trainer.max_epochs=1")

    def refused(sentence, *arguments):
        with pytest.raises(SystemExit, match=sentence):
            evaluate(*arguments)

    refused(r"asrx: nowhere: there is no run in that folder \(config.yaml is missing\)", "nowhere")
    refused("Name a run folder", "seed=3")
    refused("the following arguments are required: RUN_FOLDER.*: see python -m asrx evaluate --help", "--ensemble")
    refused("argument --snr: invalid float value: 'loud'", run, "--snr", "loud")
    refused("--noise nowhere is not a folder", run, "--noise", "nowhere")
    refused("averages two runs or more", "--ensemble", run, run)
    other = shutil.copytree(run, tmp_path / "other")
    refused("writes transcripts: --ensemble takes runs of model/objective=cross_entropy", "--ensemble", run, other)
    refused("no key or group decode.beem. Did you mean decode.beam", run, "decode=beam", "decode.beem=3")
    refused("test_part=train is neither test nor val", run, "test_part=train")
    refused("beam=wide should be a whole number", run, "decode=beam", "decode.beam=wide")
    refused("augment.test averages answers of one label", run, "augment.test={_target_:asrx.augment.test_time.Speeds}")
    refused(r"best.ckpt belongs to another model: leave out overrides", run, "model.encoder.width=8")
    refused("averages two runs or more", "--ensemble", run, run / ".." / run.name)
    (tmp_path / "junk").mkdir()
    refused("--noise: folder=.*junk holds no .wav", run, "--noise", tmp_path / "junk")
    (run / "evaluation.json").write_text("{")
    refused("evaluation.json cannot be read", run, "--snr")
    (run / "best.ckpt").write_bytes(b"junk")
    (run / "evaluation.json").unlink()
    refused("best.ckpt cannot be read: it is damaged or no checkpoint", run, "--snr")
    (run / "last.ckpt").unlink()
    refused("holds no last.ckpt of a finished run", run, "tested=last")


def test_a_run_is_tested_without_a_denoiser_and_with_it_and_the_best_is_named(
    trained_run, denoiser, evaluate, tmp_path
):
    run = shutil.copytree(trained_run, tmp_path / "run")
    _, alone, cleaned, *best = evaluate(run, "--enhance", denoiser, "--snr", "5")
    assert [alone[0], cleaned[0]] == [str(run), f"{run} + {denoiser}"]
    assert alone[2:4] != cleaned[2:4]
    for i, (condition, line) in enumerate(zip(("clean", "5 dB"), best, strict=True)):
        rates = [float(row[2 + i].split(" / ")[0]) for row in (alone, cleaned)]
        expected = cleaned[0] if rates[1] < rates[0] else alone[0]
        assert line == [f"Best, {condition}: {expected}"]
    assert len(written(run)) == 2


def test_a_denoiser_is_evaluated_in_decibels(denoiser, evaluate):
    _, row = evaluate(denoiser, "--snr")
    assert row[1] == "SI-SDR, dB / SI-SDR improvement, dB"
    assert float(row[2].split(" / ")[1]) == pytest.approx(
        json.loads((denoiser / "metrics.json").read_text())["test"]["si_sdr_improvement"], abs=0.01
    )


def test_two_speakers_at_once_are_a_table(trained_run, mixtures, run_of, evaluate):
    two = ["dataset.speakers=2", "model.encoder.sources=2", "dataset.noises=null", "dataset.test_noises=null"]
    separator = run_of(*mixtures, *UNET, *two)
    head, row = evaluate(trained_run, "--separate", separator)
    assert head == ["run", *(f"{heard}, cpWER in %" for heard in ("clean sources", "mixture", "separated"))]
    assert row[0] == str(trained_run)
    assert len(row) == 4

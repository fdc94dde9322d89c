from __future__ import annotations

import json
import time

import pytest
import torch

pytest.importorskip("pytorch_lightning", reason="the loggers are Lightning's")

from asrx.evaluation.trained import load_model
from asrx.report.loggers.tensorboard import TensorBoard
from asrx.report.loggers.wandb import Wandb
from asrx.types import UserError

KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def model(trained_run):
    """A pipeline, and an utterance."""
    return load_model(trained_run).pipeline, (torch.zeros(1, 4000), torch.tensor([4000]))


def test_tensorboard_has_scalars_texts_weights_and_the_graph(make_run, sentences, model):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = make_run("error_rate", sentences)
    logger = TensorBoard(folder)
    logger.log_metrics({"val/cer": 0.5}, step=10)
    logger.finalize("success")
    logger.log_results(folder, *model)
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    test = json.loads((folder / "metrics.json").read_text())["test"]
    assert events.Scalars("val/cer")[0].value == 0.5
    assert events.Scalars("test/wer")[0].value == pytest.approx(test["wer"])
    assert events.Scalars("test/wer")[0].step == 30
    errors = events.Tensors("errors/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "|substitute|zero|ero|1|" in errors
    names = {f"weights/{name}" for name, _ in model[0].named_parameters()}
    assert set(events.Tags()["histograms"]) == names and any("lstm" in node.name for node in events.Graph().node)
    assert "width: 64" in events.Tensors("config/text_summary")[0].tensor_proto.string_val[0].decode()


@pytest.fixture
def wandb_home(tmp_path, monkeypatch):
    """An empty home directory, a key in the environment, and wandb's own variables put back afterwards."""
    pytest.importorskip("wandb", reason="the extra is not installed")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR"):
        monkeypatch.setenv(name, str(home))
    return home


@pytest.mark.parametrize("kind", ["error_rate", "classification"])
def test_wandb_offline_keeps_its_files_together_and_the_key_out(
    request, make_run, wandb_home, tmp_path, monkeypatch, kind, model
):
    pairs = request.getfixturevalue({"error_rate": "sentences", "classification": "digits"}[kind])
    folder = make_run(kind, pairs)
    (tmp_path / "0.wav").unlink()
    logger = Wandb(folder, mode="offline")
    logger.log_metrics({"val/loss": 0.5}, step=10)
    run, summary, finish = logger.experiment, {}, logger.experiment.finish
    # an offline run answers no question once it is finished
    monkeypatch.setattr(run, "finish", lambda: (summary.update(run.summary), finish()))
    logger.log_results(folder, *model)
    test = json.loads((folder / "metrics.json").read_text())["test"]
    assert run.config["model"] == {"width": 64}
    assert {f"test/{name}": value for name, value in test.items()}.items() <= summary.items()
    tables = {path.name.split("_")[0] for path in folder.rglob("*.table.json")}
    rows = json.loads(next(folder.rglob("predictions_*.table.json")).read_text())
    assert len(rows["data"]) == len(pairs)
    assert sum(row[-1] is not None for row in rows["data"]) == len(pairs) - 1
    assert {"error_rate": "errors", "classification": "confusion"}[kind] in tables
    assert next(folder.glob("wandb/offline-run-*/*.wandb")).stat().st_size > 0
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert not [path for path in wandb_home.rglob("*") if path.is_file()]


def test_wandb_resumed_folder_continues_its_run(make_run, wandb_home, model):
    folder = make_run("error_rate", None)
    ids = []
    for _ in range(2):
        logger = Wandb(folder, mode="offline")
        ids.append(logger.experiment.id)
        logger.log_results(folder, *model)
    assert ids[0] == ids[1]


def test_wandb_auto_is_offline_without_a_key(make_run, wandb_home, monkeypatch, capsys):
    monkeypatch.delenv("WANDB_API_KEY")
    folder = make_run("error_rate", None)
    logger = Wandb(folder)
    assert logger._wandb_init["mode"] == "offline"
    told = capsys.readouterr().out
    assert told.count("\n") == 1
    assert f"wandb sync {folder}/wandb/offline-run-*" in told


def test_wandb_auto_gives_a_silent_server_three_seconds(make_run, wandb_home, monkeypatch, capsys):
    import requests

    monkeypatch.setattr(requests, "post", lambda *_, **__: time.sleep(30) or requests.Response())
    start = time.monotonic()
    assert Wandb(make_run("error_rate", None))._wandb_init["mode"] == "offline"
    assert time.monotonic() - start < 5
    assert "cannot be reached" in capsys.readouterr().out


@pytest.fixture
def server(monkeypatch):
    """A server of W&B's address that answers everything with one status; `.asked` are the requests."""
    import http.server
    import threading

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.server.asked.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(self.server.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_HEAD = do_PUT = do_POST

        def log_message(self, *_):
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.asked, listening.status = [], 200
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{listening.server_port}")
    yield listening
    listening.shutdown()


def test_wandb_is_online_where_the_server_takes_the_key(make_run, wandb_home, server, capsys):
    folder = make_run("error_rate", None)
    assert Wandb(folder)._wandb_init["mode"] == "online"
    for status, told in ((401, "refuses the API key"), (500, "answers 500")):
        server.status = status
        assert Wandb(folder)._wandb_init["mode"] == "offline"
        assert told in capsys.readouterr().out
        with pytest.raises(UserError, match=f"is online, but http.* {told}"):
            Wandb(folder, mode="online")
    assert server.asked == ["/graphql"] * 5


@pytest.mark.parametrize(
    ("variable", "mode"), [("offline", "offline"), ("dryrun", "offline"), ("disabled", "disabled")]
)
@pytest.mark.parametrize("asked", ["auto", "online"])
def test_what_the_environment_forbids_is_not_sent(
    make_run, wandb_home, server, monkeypatch, variable, mode, asked, model
):
    monkeypatch.setenv("WANDB_MODE", variable)
    folder = make_run("error_rate", [("a b", "a")])
    logger = Wandb(folder, mode=asked)
    assert logger._wandb_init["mode"] == mode
    logger.log_metrics({"loss": 1.0}, 0)
    logger.log_results(folder, *model)
    assert not server.asked
    assert any(folder.rglob("*.wandb")) == (mode == "offline")


def test_wandb_bad_mode_and_online_without_key(make_run, wandb_home, monkeypatch):
    folder = make_run("error_rate", None)
    with pytest.raises(UserError, match="choose auto, online or offline"):
        Wandb(folder, mode="onlin")
    monkeypatch.delenv("WANDB_API_KEY")
    with pytest.raises(UserError, match="no API key is known"):
        Wandb(folder, mode="online")


def test_wandb_puts_trials_and_ledger_of_a_sweep_into_its_group(make_run, wandb_home, tmp_path):
    import yaml
    from sweeps import write_sweep

    trial = make_run("error_rate", None)
    config = yaml.safe_load((trial / "config.yaml").read_text())
    facts = {"sweep": "mine", "trial": 7, "params": {"optimizer.lr": 0.1}}
    (trial / "config.yaml").write_text(yaml.safe_dump(config | {"search": facts}))
    logger = Wandb(trial, mode="offline")
    run = logger.experiment
    assert (run.group, run.name) == ("mine", f"007_{trial.name}")
    assert run.config["search"]["params"] == {"optimizer.lr": 0.1}
    run.finish()

    sweep = write_sweep(tmp_path / "mine")
    logger = Wandb(sweep, mode="offline")
    logger.log_sweep()
    assert logger._wandb_init["group"] == "mine"
    table = json.loads(next(sweep.rglob("ledger_*.table.json")).read_text())
    trials = [json.loads(line) for line in (sweep / "ledger.jsonl").read_text().splitlines()]
    assert [row[:3] for row in table["data"]] == [[t["trial"], t["state"], t["score"]] for t in trials]

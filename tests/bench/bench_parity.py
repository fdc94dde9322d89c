"""What each form of a trained model answers, how fast, and how large it is: a Markdown table.

python tests/bench/bench_parity.py RUN_FOLDER... [KEY=VALUE...]

Up to 100 recordings of each run's test part, one at a time on one thread. Values are as for `asrx evaluate`:
dataset=manifest dataset.test=FILE ... measures on other recordings. "Same text" is beside PyTorch; engines run in a
process of their own. int8 is what `asrx export --quantize int8` writes, whether it would be used or not.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import torch

from asrx.config.saved import config_of
from asrx.evaluation.trained import Trained, load
from asrx.export.folder import write_config, write_model
from asrx.export.forms.all import FORMS
from asrx.export.forms.base import Form
from asrx.export.parity import Exported
from asrx.export.quantize import int8
from asrx.recognition import recognizer, streaming
from asrx.types import StreamingEncoder, UserError

MOST = 100
CHUNK = 0.1  # s, of a stream
ENGINES = """
import sys, json, time, pathlib, soundfile
name, folder, recordings, keys = sys.argv[1:]
if name == "onnx_asr":
    import onnx_asr
    model = onnx_asr.load_model("nemo-conformer-ctc", folder)
    answer = lambda wave, rate: model.recognize(wave, sample_rate=rate)
else:
    import sherpa_onnx
    make = getattr(sherpa_onnx.OfflineRecognizer, name)
    recognizer = make(model=f"{folder}/model.onnx", tokens=f"{folder}/tokens.txt", num_threads=1, **json.loads(keys))
    def answer(wave, rate):
        stream = recognizer.create_stream()
        stream.accept_waveform(rate, wave)
        recognizer.decode_stream(stream)
        return stream.result.text
texts, times = [], []
for path in sorted(pathlib.Path(recordings).glob("*.wav")):
    wave, rate = soundfile.read(path, dtype="float32")
    start = time.perf_counter()
    texts.append(answer(wave, rate).strip())
    times.append(time.perf_counter() - start)
print(json.dumps([texts, times]))
"""


class Row(NamedTuple):
    """What a form answered, in how many seconds; the difference of log probabilities and the size, if it has them."""

    name: str
    texts: list[str]
    times: list[float]
    difference: float | None = None
    megabytes: float | None = None


def main(folders: list[Path], overrides: list[str]) -> None:
    torch.set_num_threads(1)
    print(
        "| run | form | same text | log probabilities differ by | error | p50, p95 ms | MB |\n"
        "|---|---|---|---|---|---|---|"
    )
    for folder in folders:
        trained = load(folder, config_of(folder, overrides))
        part = trained.cfg.test_part
        chosen = np.linspace(0, len(trained.data.utterances[part]) - 1, MOST).round().astype(int)
        chosen = np.unique(chosen)
        test = trained.data.loader(part, None).dataset
        waves = [test[np.array([i])].wave_BT[0].numpy() for i in chosen]
        references = [trained.data.utterances[part][i].text for i in chosen]
        rows = list(_rows(folder, trained, waves))
        for row in rows:
            same = sum(a == b for a, b in zip(row.texts, rows[0].texts, strict=True))
            half, most = 1000 * np.percentile(row.times, [50, 95])
            cells = [folder.name, row.name, f"{same} of {len(waves)}"]
            cells += ["" if row.difference is None else f"{row.difference:.1e}", _error(trained, references, row.texts)]
            cells += [f"{half:.1f}, {most:.1f}", "" if row.megabytes is None else f"{row.megabytes:.2f}"]
            print(f"| {' | '.join(cells)} |", flush=True)


def _error(trained: Trained, references: list[str], texts: list[str]) -> str:
    objective = trained.pipeline.objective
    figures = objective.metrics()
    figures.update([objective.text(objective.encode(text)) for text in references], texts)
    found = figures.compute()
    return f"WER {100 * found['wer']:.2f}" if "wer" in found else f"accuracy {100 * found['accuracy']:.2f}"


def _rows(folder: Path, trained: Trained, waves: list[np.ndarray]):
    rate = int(trained.cfg.dataset.sample_rate)
    own = recognizer.load(folder)
    decoder = trained.pipeline.objective.decoder
    with tempfile.TemporaryDirectory() as place:
        sounds = Path(place) / "sounds"
        sounds.mkdir()
        for i, wave in enumerate(waves):
            soundfile.write(sounds / f"{i:04d}.wav", wave, rate, subtype="FLOAT")
        logps: list[torch.Tensor] = []

        def asked(answer) -> Callable[[np.ndarray], str]:
            def text(wave: np.ndarray) -> str:
                logp, lengths = answer(torch.from_numpy(wave)[None], torch.tensor([len(wave)]))
                logps.append(logp)
                return decoder(logp, lengths)[0].text.strip()

            return text

        yield _timed("PyTorch", asked(own.engine), waves, megabytes=(folder / "best.ckpt").stat().st_size / 1e6)
        expected = list(logps)
        logps.clear()
        for name in ("onnx", "sherpa", "nemo"):
            target = Path(place) / name
            target.mkdir()
            try:
                form: Form = FORMS[name](trained.cfg, trained.pipeline)
            except UserError:
                continue
            path = write_model(target, form)
            write_config(target, trained.cfg, form, path.name, form.batched)
            size = path.stat().st_size / 1e6
            if name == "onnx":
                for label, file in (("ONNX", path), ("ONNX int8", target / "int8.onnx")):
                    if label.endswith("int8"):
                        int8(path, file)
                    row = _timed(label, asked(Exported(file, form)), waves, megabytes=file.stat().st_size / 1e6)
                    worst = max(float((a - b).abs().max()) for a, b in zip(expected, logps, strict=True))
                    yield row._replace(difference=worst)
                    logps.clear()
            features = {"feature_dim": trained.pipeline.features.dim, "sample_rate": rate}
            whole = trained.pipeline.features.normalize == "utterance"  # as onnx-asr does
            normalised = [("onnx_asr", {})] if whole else []
            engines = {
                "omnilingual": [("from_omnilingual_asr_ctc", {})],
                "zipformer": [("from_zipformer_ctc", features)],
                "nemo": [("from_nemo_ctc", features), *normalised],
            }
            for engine, keys in engines.get(form.usage, []):
                call = [sys.executable, "-c", ENGINES, engine, str(target), str(sounds), json.dumps(keys)]
                texts, times = json.loads(subprocess.run(call, capture_output=True, text=True, check=True).stdout)
                yield Row(
                    f"{'onnx-asr' if engine == 'onnx_asr' else 'sherpa-onnx'}, {engine}", texts, times, None, size
                )
        if isinstance(trained.pipeline.encoder, StreamingEncoder):
            yield _streamed(own, waves, rate)


def _timed(name: str, answer: Callable[[np.ndarray], str], waves: list[np.ndarray], megabytes: float) -> Row:
    texts, times = [], []
    answer(waves[0])
    for wave in waves:
        start = time.perf_counter()
        texts.append(answer(wave))
        times.append(time.perf_counter() - start)
    return Row(name, texts, times, megabytes=megabytes)


def _streamed(own: recognizer.Recognizer, waves: list[np.ndarray], rate: int) -> Row:
    """The times are those of a chunk."""
    texts, times, size = [], [], round(CHUNK * rate)
    for wave in waves:
        stream, heard = streaming.stream(own), []
        for start in range(0, len(wave), size):
            begin = time.perf_counter()
            heard += stream.accept((wave[start : start + size] * 32768).astype("int16"))
            times.append(time.perf_counter() - begin)
        heard += stream.finish()
        texts.append(" ".join(h.text for h in heard if h.final))
    return Row(f"streamed, {1000 * CHUNK:g} ms a chunk", texts, times)


if __name__ == "__main__":
    words = sys.argv[1:]
    main([Path(word) for word in words if "=" not in word], [word for word in words if "=" in word])

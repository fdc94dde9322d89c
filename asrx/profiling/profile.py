"""What each form of a trained model costs: size, memory, cold start, latency, energy."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from subprocess import PIPE
from typing import Any, NamedTuple

import numpy as np
import torch

from asrx.evaluation.measure import WaveToText
from asrx.evaluation.trained import Model, load_model
from asrx.export.folder import write_model
from asrx.export.forms.all import FORMS
from asrx.export.quantize import int8
from asrx.export.recordings import own_data, waveforms
from asrx.models.cost import multiply_adds
from asrx.profiling.devices import Device, confined
from asrx.report.terminal import aligned
from asrx.types import UserError

LENGTHS = (1, 2, 5, 10, 30)  # s


class Form(NamedTuple):
    """A file that can be asked, and how; its size in bytes."""

    name: str
    kind: str
    path: Path
    size: int


class Cost(NamedTuple):
    """Of one form on some threads: what `asrx.profiling.child` found, None where memory did not suffice; joules for a
    second of sound, None where nothing tells them."""

    form: Form
    threads: int
    found: dict[str, Any] | None
    joules: float | None


class Profile(NamedTuple):
    """Of a model: its parameters, its multiply-adds for a second of sound, the forms' costs, on what they were
    measured, and what is to be known beside them."""

    parameters: int
    multiply_adds: int
    costs: list[Cost]
    measured_on: str
    notes: list[str]


def profile(source: Path, device: Device, recordings: Sequence[Path] = ()) -> Profile:
    """Measure PyTorch, ONNX and int8 of one model, each in processes of its own.

    Args:
        source: a run folder or a checkpoint.
        device: that they are to run on.
        recordings: to measure on; without them up to 100 of the run's own test part, where that can be had.

    Raises:
        UserError: there is no model, a recording cannot be read, or onnxruntime is not installed.
    """
    model = load_model(source)
    waves, measured_on = waveforms(model.cfg, *own_data(source), recordings)
    rate = int(model.cfg.dataset.sample_rate)
    second = torch.randn(1, rate, generator=torch.Generator().manual_seed(0)) / 10, torch.tensor([rate])
    work = multiply_adds(WaveToText(model.pipeline), *second)
    with tempfile.TemporaryDirectory() as name, confined(device) as (confine, trouble):
        folder = Path(name)
        np.savez(folder / "recordings.npz", *[wave_T.numpy() for wave_T in waves])
        asked = {"rate": rate, "lengths": LENGTHS, "recordings": str(folder / "recordings.npz")}
        costs = [
            _cost(form, threads, asked, device, confine)
            for form in _forms(source, model, folder)
            for threads in device.threads
        ]
    parameters = sum(p.numel() for p in model.pipeline.parameters())
    return Profile(parameters, work, costs, measured_on, [trouble] if trouble else [])


def _forms(source: Path, model: Model, folder: Path) -> Iterator[Form]:
    checkpoint = source / "best.ckpt" if source.is_dir() else source
    yield Form("PyTorch", "torch", source, checkpoint.stat().st_size)
    whole = write_model(folder, FORMS["onnx"](model.cfg, model.pipeline))
    small = folder / "int8.onnx"
    int8(whole, small)
    for name, path in (("ONNX", whole), ("ONNX int8", small)):
        yield Form(name, "onnx", path, path.stat().st_size)


def _cost(form: Form, threads: int, asked: dict[str, Any], device: Device, confine: Callable[[int], None]) -> Cost:
    request = asked | {"form": form.kind, "path": str(form.path), "threads": threads, "begun": time.time()}
    with subprocess.Popen([sys.executable, "-m", "asrx.profiling.child"], stdin=PIPE, stdout=PIPE, text=True) as child:
        confine(child.pid)
        answer, _ = child.communicate(json.dumps(request))
    if child.returncode == -signal.SIGKILL and device.memory:
        return Cost(form, threads, None, None)
    if child.returncode:
        raise UserError(f"{form.name} cannot be measured: its process ended with {child.returncode}, see above.")
    found = json.loads(answer)
    joules = device.watts * found["busy"] if device.watts else found["joules"]
    return Cost(form, threads, found, joules and joules / found["seconds"])


def table(profile: Profile, device: Device) -> str:
    """What the terminal is told."""
    head = ["form", "threads", "MB", "cold start, s", "memory, MB", *(f"{s} s" for s in LENGTHS), "RTFx", "mJ/s"]
    lines = [head, *(_row(cost) for cost in profile.costs)]
    if all(not line[-1] for line in lines[1:]):
        lines = [line[:-1] for line in lines]
    told = [
        f"{profile.parameters:,} parameters, {profile.multiply_adds / 1e6:.2f} MMAC for a second of sound",
        aligned(lines, 1),
        "Under 1 s to 30 s: milliseconds to the answer for a clip of that length, half of the times and 95 % of them.",
        f"RTFx: seconds of sound answered in a second, one recording at a time, on {profile.measured_on}.",
    ]
    if device.watts:
        told.append(f"mJ/s: millijoules for a second of sound, at {device.watts:g} W of a core that works.")
    elif head[-1] == lines[0][-1]:
        told.append(
            "mJ/s: millijoules for a second of sound, by the machine's own counters, whatever else it does included."
        )
    if device.share:
        told.append(f"One core has {device.share:.0%} of its time here; that is an assumption about the device.")
    return "\n".join(told + [f"Not as asked: {note}." for note in profile.notes])


def _row(cost: Cost) -> list[str]:
    cells = [cost.form.name, str(cost.threads), f"{cost.form.size / 1e6:.2f}"]
    if cost.found is None:
        return [*cells, "memory is not enough", *[""] * (len(LENGTHS) + 3)]
    found = cost.found
    cells += [f"{found['cold']:.2f}", f"{found['peak'] / 1e6:.0f}"]
    cells += ["{:.1f}, {:.1f}".format(*(1000 * t for t in found["latency"][str(s)])) for s in LENGTHS]
    energy = "" if cost.joules is None else f"{1000 * cost.joules:.1f}"
    return [*cells, f"{found['seconds'] / found['taken']:.0f}", energy]

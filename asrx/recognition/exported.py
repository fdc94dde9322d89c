"""What a folder of `asrx export` says of itself. It may be a stranger's, and nothing in it is believed unseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

from asrx.config.build import build
from asrx.config.values import check_kinds, shown
from asrx.decoding.ctc import CTCDecoder
from asrx.decoding.label import LabelDecoder
from asrx.types import UserError, reason

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MOST = 1_000_000  # Hz, and samples for one output frame
# of config.json: what a value must be, and the same in words
FACTS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "model": (lambda v: isinstance(v, str) and Path(v).name == v != "", "the name of a file of that folder"),
    "form": (lambda v: isinstance(v, str), "a text"),
    "sample_rate": (lambda v: type(v) is int and 1 <= v <= MOST, f"a whole number of Hz from 1 to {MOST}"),
    "frame": (lambda v: type(v) in (int, float) and 0 < v <= 60, "seconds above 0, at most 60"),
    "decoder": (lambda v: isinstance(v, dict), "a mapping"),
    "batched": (lambda v: isinstance(v, bool), "true or false"),
    "shortest": (lambda v: type(v) is int and 1 <= v <= MOST, f"a whole number of samples from 1 to {MOST}"),
    "version": (lambda v: isinstance(v, str), "a text"),
}


def read_facts(folder: Path) -> dict[str, Any]:
    """What `asrx.load` needs of config.json: the keys of `FACTS`.

    Args:
        folder: of the export.

    Raises:
        UserError: there is none, a value in it cannot be, or it is for another engine or of a later asrx.
    """
    path = folder / "config.json"
    try:
        own = json.loads(path.read_text(encoding="utf-8"))["asrx"]
        missing = FACTS.keys() - own.keys()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} cannot be read ({reason(error)}): export the run anew.") from error
    if missing:
        raise UserError(f"{path} lacks {min(missing)}: export the run anew.")
    for name, (holds, words) in FACTS.items():
        if not holds(own[name]):
            raise UserError(f"{path}: {name}={shown(own[name])} should be {words}: export the run anew.")
    if own["form"] != "Waves":
        raise UserError(f"{folder} was exported for another engine: export it without --form to load it here.")
    if _is_later(own["version"]):
        raise UserError(
            f"{path}: version={own['version']} is later than this asrx, {version('asrx')}: install that, or export the "
            "run anew."
        )
    return own


def _is_later(written: str) -> bool:
    try:
        return Version(written) > Version(version("asrx"))
    except InvalidVersion:
        return True


def read_decoder(folder: Path, node: dict[str, Any]) -> CTCDecoder | LabelDecoder:
    """The decoder that config.json describes.

    Args:
        folder: of the export, beside whose model a language model lies.
        node: of `read_facts`.

    Raises:
        UserError: it cannot be made, or cannot decode.
    """
    search = node.get("search")
    if isinstance(search, dict) and isinstance(search.get("lm"), str):
        node = node | {"search": search | {"lm": str(folder / Path(search["lm"]).name)}}
    try:
        decoder = build(node, (CTCDecoder, LabelDecoder))
        check_kinds(node, node, None, ("decoder",))
        if not 0 < decoder.temperature < float("inf"):
            raise UserError(f"decoder.temperature={decoder.temperature} should be a number above 0.")
        if isinstance(decoder, CTCDecoder) and list(decoder.vocabulary.labels) != decoder.labels:
            raise UserError("decoder.labels are not those of decoder.vocabulary.")
    except UserError as error:
        raise UserError(f"{folder / 'config.json'}: {str(error).rstrip('.')}: export the run anew.") from error
    return decoder


def check_model(path: Path, session: InferenceSession, sample_rate: int, decoder: CTCDecoder | LabelDecoder) -> None:
    """Refuse a model that is not the one of its config.json.

    Args:
        path: of the ONNX file.
        session: of it.
        sample_rate, decoder: of config.json.

    Raises:
        UserError: as it says.
    """
    takes = {value.name for value in [*session.get_inputs(), *session.get_overridable_initializers()]}
    gives = {value.name: value.shape for value in session.get_outputs()}
    if takes != {"wave", "lengths"} or gives.keys() != {"log_probs", "log_probs_len"}:
        raise UserError(f"{path} is no model of waveforms that asrx exported: export the run anew.")
    rate = session.get_modelmeta().custom_metadata_map.get("sample_rate")
    spells = isinstance(decoder, CTCDecoder)
    outputs, shape = len(decoder.labels) + spells, gives["log_probs"]
    if rate != str(sample_rate) or len(shape) != 2 + spells or shape[-1] != outputs:
        raise UserError(
            f"{path} is not the model of its config.json: it has {shape[-1]} outputs at {rate} Hz, and decoder.labels "
            f"and sample_rate there want {outputs} at {sample_rate} Hz: export the run anew."
        )

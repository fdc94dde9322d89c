"""The command `python -m asrx export`: a trained model as a folder that other programs use.

    python -m asrx export RUN_FOLDER hello-asr                        # onnxruntime, asrx.load, most of sherpa-onnx
    python -m asrx export RUN_FOLDER hello-asr --form sherpa          # sherpa-onnx, with its time stamps
    python -m asrx export RUN_FOLDER hello-asr --form nemo            # sherpa-onnx's nemo_ctc, onnx-asr
    python -m asrx export RUN_FOLDER hello-asr --form stream          # sherpa-onnx's OnlineRecognizer, chunk by chunk
    python -m asrx export RUN_FOLDER models --form triton             # a model repository of NVIDIA's Triton
    python -m asrx export RUN_FOLDER hello-asr decode=lm decode.lm=talks.arpa    # for asrx.load, with its ARPA file
    python -m asrx export RUN_FOLDER hello-asr --quantize int8        # weights of eight bits, if they are good enough

The folder holds model.onnx (features, masks and normalisation inside), tokens.txt, vocab.txt, config.json and a README
with the figures and the lines that use it. What is written was compared with the trained model first, on up to 100
recordings of the run's own test part, or on those of --check.
"""

from __future__ import annotations

from pathlib import Path

from asrx.commands.answer import answered
from asrx.commands.arguments import Parser
from asrx.commands.recordings import files_of
from asrx.types import UserError

FORMS = ("onnx", "sherpa", "nemo", "stream", "triton")  # of asrx.export.forms.all, which a help does not load


def main() -> None:
    """Entry point; errors are answered as `python -m asrx` does."""
    overrides: list[str] = []
    with answered(overrides):
        chosen = _arguments().parse_intermixed_args()
        overrides += chosen.overrides
        if not 0 <= chosen.tolerance < float("inf"):
            raise UserError(f"--tolerance {chosen.tolerance:g} should be a number of percent from 0, such as 5.")
        from asrx.export.export import export, summary

        quantize = chosen.quantize is not None
        check = files_of(chosen.check)
        report = export(chosen.model, chosen.folder, chosen.form, quantize, chosen.tolerance, check, overrides)
        print(summary(report))


def _arguments() -> Parser:
    parser = Parser("export", __doc__)
    parser.add_argument("model", metavar="RUN_FOLDER|CHECKPOINT", type=Path)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="new, or empty")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="changes to the config of a run")
    parser.add_argument("--form", choices=FORMS, default="onnx")
    parser.add_argument("--quantize", choices=("int8",), help="weights of eight bits too")
    parser.add_argument(
        "--tolerance", metavar="PERCENT", type=float, default=5.0, help="of the error, that int8 may add; 5 by default"
    )
    parser.add_argument(
        "--check", nargs="+", metavar="AUDIO", type=Path, default=[], help="recordings, or folders, to compare on"
    )
    return parser

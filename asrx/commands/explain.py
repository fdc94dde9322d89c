"""The command `python -m asrx explain`: why a model answers what it does.

    python -m asrx explain RUN_FOLDER hello.wav                  # writes explain.html
    python -m asrx explain RUN_FOLDER recordings/ --into why.html

For each recording (of a folder, all), on one page that opens offline: the answer and how sure it is, which values of
the features brought it about, the outputs over time, what is lost without a band of the spectrum, and, in models with
self-attention, what each layer looks at.
"""

from __future__ import annotations

from pathlib import Path

from asrx.commands.answer import answered
from asrx.commands.arguments import Parser
from asrx.types import UserError


def main() -> None:
    """Entry point; errors are answered as `python -m asrx` does."""
    with answered([]):
        chosen = _arguments().parse_intermixed_args()
        print(f"Page: {explain(chosen.model, chosen.audio, chosen.into)}")


def _arguments() -> Parser:
    parser = Parser("explain", __doc__)
    parser.add_argument("model", metavar="RUN_FOLDER|CHECKPOINT", type=Path)
    parser.add_argument("audio", nargs="+", metavar="AUDIO", type=Path, help="files or folders")
    parser.add_argument("--into", metavar="FILE", type=Path, default=Path("explain.html"), help="explain.html")
    return parser


def explain(model: Path, audio: list[Path], into: Path) -> Path:
    """Write the page.

    Args:
        model: a run folder or a checkpoint.
        audio: files, or folders of them.
        into: the page.

    Returns:
        its path.

    Raises:
        UserError: there is no model, or a recording cannot be used.
    """
    import torch
    from tqdm import tqdm

    from asrx.evaluation.trained import load_model
    from asrx.interpretation.explanation import explanation
    from asrx.recognition.sources import read, recordings_below
    from asrx.report.document import write
    from asrx.report.explain.page import Explained, explain_page

    if into.is_dir():
        raise UserError(f"--into {into} is a folder: name a file, such as {into / 'explain.html'}.")
    cfg, pipeline = load_model(model)
    if not pipeline.features.of_sound:
        raise UserError(f"{model} is a model of images: explain takes models of sound.")
    paths = [path for one in audio for path in (recordings_below(one) if one.is_dir() else [one])]
    found = []
    for path in tqdm(paths, desc="Explaining", unit="recording", disable=len(paths) == 1):
        wave_T = torch.from_numpy(read(path, cfg.dataset.sample_rate).wave_T).float() / 32768
        try:
            told = explanation(pipeline, wave_T, cfg.dataset.sample_rate)
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
        arrays = {name: value.numpy() for name, value in told._asdict().items() if isinstance(value, torch.Tensor)}
        looks = {name: value.numpy() for name, value in told.attention.items()}
        found.append(Explained(path, **told._asdict() | arrays | {"attention": looks}))
    write(into, explain_page(str(model), found))
    return into

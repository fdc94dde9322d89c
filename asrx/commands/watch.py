"""The command `python -m asrx watch`: whether production recordings are still what a run was tested on.

    python -m asrx watch RUN_FOLDER november/
    python -m asrx watch RUN_FOLDER november/ --by-folder --manifest november.jsonl
    python -m asrx watch RUN_FOLDER november/ --reference october/

Compares level, signal-to-noise ratio, spectrum, pitch, speaking rate and confidence with those of the run's test part,
and names what changed and which recordings show it. Where nothing differs, the chance that it says otherwise is at most
--alpha. The exit status is 0 where nothing changed, 2 where something did, 1 where that cannot be told.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asrx.commands.answer import answered
from asrx.commands.arguments import Parser
from asrx.commands.recordings import files_of, readable
from asrx.types import UserError

if TYPE_CHECKING:
    from asrx.recognition.answers import Transcript
    from asrx.recognition.recognizer import Recognizer
    from asrx.watching.comparison import Finding
    from asrx.watching.profile import Profile

CHANGED = 2  # exit status
NAMED = 5  # recordings, of each change
LEAST_ALPHA, MOST_ALPHA = 1e-4, 0.5


def main() -> None:
    """Entry point; errors are answered as `python -m asrx` does."""
    with answered([]):
        chosen = _arguments().parse_args()
        check_alpha(chosen.alpha)
        findings = watch(chosen.run, chosen.audio, chosen.reference, chosen.by_folder, chosen.alpha, chosen.manifest)
        if any(finding.changed for finding in findings):
            sys.exit(CHANGED)


def check_alpha(alpha: float) -> None:
    """Raise a UserError where no test can be made with it."""
    if not LEAST_ALPHA <= alpha <= MOST_ALPHA:
        raise UserError(f"--alpha {alpha:g} should be a chance from {LEAST_ALPHA:g} to {MOST_ALPHA:g}, such as 0.01.")


def _arguments() -> Parser:
    parser = Parser("watch", __doc__)
    parser.add_argument("run", metavar="RUN_FOLDER", type=Path)
    parser.add_argument("audio", nargs="+", metavar="AUDIO", type=Path, help="files, or folders of them")
    parser.add_argument("--reference", nargs="+", metavar="AUDIO", type=Path, help="instead of the run's test part")
    parser.add_argument("--by-folder", action="store_true", help="each folder's recordings are of one speaker")
    parser.add_argument("--alpha", type=float, default=0.01, help="the false-alarm rate; 0.01")
    parser.add_argument("--manifest", metavar="FILE.jsonl", type=Path, help="a line for each, to correct")
    return parser


def watch(
    run: Path, audio: Sequence[Path], reference: Sequence[Path] | None, by_folder: bool, alpha: float, into: Path | None
) -> list[Finding]:
    """Compare, and print what was found.

    Args:
        run: a run folder; with `reference`, anything that has a model.
        audio: files of production, and folders of them.
        reference: what to compare with instead of the run's profile.
        by_folder: whether each folder's recordings are of one speaker; else speakers of `audio` are not known.
        alpha: see `compare`.
        into: the manifest.

    Raises:
        UserError: there is no model or no profile, no recording can be used, or there are too few.
    """
    if into is not None and into.suffix != ".jsonl":
        raise UserError(f"--manifest {into} should be named .jsonl, as manifests are read.")
    if into is not None and not into.absolute().parent.is_dir():
        raise UserError(f"--manifest {into}: there is no such folder: make it first.")
    files, others = files_of(audio), files_of(reference or [])

    from asrx.recognition.recognizer import load
    from asrx.watching.comparison import compare
    from asrx.watching.profile import read_profile

    known = None if reference else read_profile(run)
    recognizer = load(run)
    known = known or _profile(recognizer, others, by_folder)[0]
    own, transcripts = _profile(recognizer, files, by_folder)
    findings = compare(known, own, alpha)
    print(f"{_counted(own)} against {_counted(known)} of {'the reference' if reference else 'the test part'}")
    print(table(findings))
    if known.by_speaker and not own.by_speaker:
        print("Who speaks is not known, so each counts as another speaker's: --by-folder tells them apart.")
    for finding in findings:
        if finding.changed:
            print(f"{finding.told[0].upper()}{finding.told[1:]}{_shown(finding, own)}.")
    if not any(finding.changed for finding in findings):
        print(f"Nothing changed that can be told from chance at {alpha:g}.")
    if into is not None:
        write_manifest(into, transcripts, findings)
        print(f"{into}: {len(transcripts)} drafts, to be corrected and renamed to text before they are trained on.")
    return findings


def _profile(recognizer: Recognizer, files: Sequence[Path], by_folder: bool) -> tuple[Profile, list[Transcript]]:
    from asrx.recognition.measured import measured
    from asrx.watching.profile import profile_of

    bad: list[str] = []
    found = list(measured(recognizer, readable(files, recognizer.sample_rate, bad)))
    if bad:
        print(f"{len(bad)} of {len(files)} recordings cannot be used and are left out.", file=sys.stderr)
    if not found:
        raise UserError("there is no recording left to compare: give some that can be played.")
    transcripts = [transcript for transcript, _ in found]
    names = [transcript.name for transcript in transcripts]
    speakers = [str(Path(name).parent) if by_folder else None for name in names]
    return profile_of(names, speakers, [row for _, row in found]), transcripts


def _counted(profile: Profile) -> str:
    n = len(profile.names)
    speakers = f" of {len(set(profile.speakers))} speakers" if profile.by_speaker else ""
    return f"{n} recording{'s' * (n > 1)}{speakers}"


def table(findings: Sequence[Finding]) -> str:
    """A line for each quantity: medians before and now, the p-value, and a star where that is a change."""
    rows = [("", "median of", "reference", "now", "", "p")]
    rows += [
        (
            "*" * finding.changed,
            finding.quantity.name,
            f"{finding.reference:.4g}",
            f"{finding.production:.4g}",
            finding.quantity.unit,
            f"{finding.p:.4f}",
        )
        for finding in findings
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _shown(finding: Finding, own: Profile) -> str:
    """The recordings that show a change, by name."""
    if not finding.shown:
        return ", in all together and in none alone"
    names = ", ".join(own.names[i] for i in finding.shown[:NAMED])
    return f", as in {len(finding.shown)} of {len(own.names)}, such as {names}"


def write_manifest(path: Path, transcripts: Sequence[Transcript], findings: Sequence[Finding]) -> None:
    """A line for each recording, those that show most changes first.

    What was recognised stands in `draft` and not in `text`, without which `dataset=manifest` refuses the file: nobody
    trains on a model's own mistakes unawares.
    """
    changes = [[f.quantity.key for f in findings if i in f.shown] for i in range(len(transcripts))]
    partial = path.with_suffix(".part")
    with open(partial, "w", encoding="utf-8") as file:
        for i in sorted(range(len(transcripts)), key=lambda i: -len(changes[i])):
            row = {
                "audio_filepath": str(Path(transcripts[i].name).absolute()),
                "duration": round(transcripts[i].duration, 3),
                "draft": transcripts[i].text,
                "confidence": round(transcripts[i].confidence, 3),
                "shows": changes[i],
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    os.replace(partial, path)

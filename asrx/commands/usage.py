"""What `python -m asrx --help` prints; nothing is imported for it."""

from __future__ import annotations

from asrx.config.compose import choices, groups

HEAD = """\
asrx: speech-recognition experiments as differences in YAML.

  python -m asrx                                         train and test the default experiment
  python -m asrx model=crnn_ctc augment=specaug          choose from the groups below
  python -m asrx dataset=fsdd model=lstm seed=1          several differences at once
  python -m asrx model.encoder.width=64 trainer.max_epochs=20    change one value
  python -m asrx -m augment=none,specaug seed=0,1,2      sweep: every combination
  python -m asrx --cfg job [differences]                 print the composed config and stop
  python -m asrx -m search=tpe search.trials=20 'optimizer.lr=tag(log,interval(1e-4,1e-2))'    search
  python -m asrx resume=RUN_FOLDER                       continue a run that was stopped
  python -m asrx transcribe RUN_FOLDER AUDIO...          recordings to text, with a trained model
  python -m asrx explain RUN_FOLDER AUDIO...             why it answers that: saliency, outputs, attention
  python -m asrx stream RUN_FOLDER AUDIO                 what is said, while it is said
  python -m asrx serve RUN_FOLDER                        transcriptions and streams on the network
  python -m asrx lm RUN_OR_TEXT... --out FILE.arpa       a language model, for decode=lm
  python -m asrx profile RUN_FOLDER                      what a trained model costs: memory, latency, energy
  python -m asrx watch RUN_FOLDER AUDIO...               whether production is still what it was tested on
  python -m asrx export RUN_FOLDER FOLDER                a trained model for onnxruntime, sherpa-onnx, Triton
  python -m asrx prune RUN_FOLDER FOLDER                 a trained model made smaller, and trained on
  python -m asrx compare RUN_OR_SWEEP...                 also evaluate, explore, render, results: COMMAND --help
"""


def usage() -> str:
    """The help text: how to call, then every group with its choices, a line each."""
    lines = [HEAD]
    for group in groups():
        lines.append(f"{group}=")
        lines += [f"  {name:<16} {line}" for name, line in choices(group).items()] or ["  (none yet)"]
    lines.append("\nSeveral loggers: logger=[csv,wandb]. Your own experiments: experiments/NAME.yaml in this folder.")
    return "\n".join(lines)

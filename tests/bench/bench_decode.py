"""What each way to decode costs and gives on a run's validation part, one thread, batches of 16 and of one.

python tests/bench/bench_decode.py RUN words.arpa characters.arpa
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch
from torch.nn.utils.rnn import pad_sequence

from asrx.config.compose import compose
from asrx.config.saved import config_of
from asrx.evaluation.measure import encoded
from asrx.evaluation.trained import load
from asrx.training.pipeline import set_search, words_of

BATCHES = (16, 1)


@torch.inference_mode()
def main(run: Path, words: str, characters: str) -> None:
    torch.set_num_threads(1)
    trained = load(run, config_of(run, ["test_part=val"]))
    objective = trained.pipeline.objective
    heard = []
    for batch, enc_BTD, lengths_B in encoded(trained, None):
        logp = objective.outputs(enc_BTD, lengths_B)
        said = zip(batch.targets.ids_BU.tolist(), batch.targets.lengths_B.tolist(), strict=True)
        rows = zip(logp, lengths_B.tolist(), said, strict=True)
        heard += [(own[:n], objective.text(ids[:length])) for own, n, (ids, length) in rows]
    heard.sort(key=lambda one: len(one[0]))
    known = words_of(objective, [u.text for u in trained.data.utterances["train"]])
    print(f"{len(heard)} utterances, {sum(len(own) for own, _ in heard) / len(heard):.0f} frames each")
    for overrides in (
        ["decode=greedy"],
        *(["decode=beam", f"decode.beam={width}"] for width in (50, 100)),
        *(
            ["decode=characters", f"decode.lm={characters}", "decode.lm_weight=0", f"decode.beam={w}"]
            for w in (50, 100)
        ),
        ["decode=characters", f"decode.lm={characters}"],
        ["decode=lexicon"],
        ["decode=lm", f"decode.lm={words}"],
        ["decode=lm", f"decode.lm={words}", "decode.beam=200"],
        ["decode=lm", f"decode.lm={words}", "decode.phrases=[rubout]"],
    ):
        set_search(compose(overrides).decode, objective, known)
        costs = []
        for size in BATCHES:
            figures = objective.metrics()
            start = time.perf_counter()
            for i in range(0, len(heard), size):
                logps, said = zip(*heard[i : i + size], strict=True)
                lengths_B = torch.tensor([len(own) for own in logps])
                answers = objective.decoder(pad_sequence(logps, batch_first=True), lengths_B)
                figures.update(list(said), [answer.text for answer in answers])
            costs.append(1000 * (time.perf_counter() - start) / len(heard))
        told = " ".join(Path(word).name if "/" in word else word for word in overrides)
        print(f"{told:<75}{costs[0]:7.2f}{costs[1]:7.2f} ms   WER {100 * figures.compute()['wer']:.2f} %", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:4])

"""Why a model answers what it does, for one recording."""

from __future__ import annotations

from typing import NamedTuple

import torch

from asrx.models.attention import SelfAttention
from asrx.training.pipeline import Pipeline
from asrx.types import Span, Targets, UserError

STEPS = 32  # of the integral; more changed no picture
AT_A_TIME = 8
BANDS = 8  # groups of feature bins that are covered, one after the other


class Band(NamedTuple):
    """Feature bins, the last one included, and by how much the log probability of the answer falls without them."""

    first: int
    last: int
    fall: float


class Explanation(NamedTuple):
    """What a model heard, and where.

    `saliency_TF` is what each value of the features `frames_TF` adds to the log probability of `text`: integrated
    gradients (Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365) from the recording's mean spectrum. `logp_TV`
    are log probabilities over time of the outputs named by `labels`, the blank `-` the last; None for an answer that is
    not spelt over time. `attention` has the mean of the heads of each layer of self-attention, (T, T), by its name.
    """

    text: str
    confidence: float
    words: list[Span]
    frames_TF: torch.Tensor
    saliency_TF: torch.Tensor
    bands: list[Band]
    labels: list[str]
    logp_TV: torch.Tensor | None
    attention: dict[str, torch.Tensor]


def explanation(pipeline: Pipeline, wave_T: torch.Tensor, sample_rate: int) -> Explanation:
    """Ask a model.

    Args:
        pipeline: on the CPU, in evaluation mode.
        wave_T: float, in [-1, 1].
        sample_rate: of it, the pipeline's, in Hz.

    Raises:
        UserError: the recording is too short for the model, or the model writes nothing.
    """
    objective, lengths_B = pipeline.objective, torch.tensor([len(wave_T)])
    with torch.no_grad():
        frames_BTF, counts_B = pipeline.features(*pipeline.clip(wave_T[None], lengths_B))
        if not int(pipeline.encoder.out_len(int(counts_B[0]))):
            raise UserError("the recording is too short for the model: give a longer one.")
        with _watched(pipeline) as attention:
            enc_BTD, out_B = pipeline.encoder(frames_BTF, counts_B)
        outputs = objective.outputs(enc_BTD, out_B)
        (answer,) = objective.decoder(outputs, out_B)
        confidence, spans = objective.decoder.explain(outputs[0], answer.text)
    if not answer.text:
        raise UserError("the model writes nothing for it: there is no answer to explain.")
    frame = pipeline.hop() / sample_rate
    score = _Score(pipeline, counts_B, objective.encode(answer.text))
    by_time = outputs.dim() == 3 and outputs.shape[-1] == len(objective.decoder.labels) + 1
    return Explanation(
        answer.text,
        confidence,
        [span._replace(start=span.start * frame, end=span.end * frame) for span in spans],
        frames_BTF[0],
        _saliency(score, frames_BTF),
        _bands(score, frames_BTF),
        [*objective.decoder.labels, "-"],
        outputs[0] if by_time else None,
        attention,
    )


class _Score:
    """The log probability of one text, for any number of variants of its features."""

    def __init__(self, pipeline: Pipeline, counts_B: torch.Tensor, ids: list[int]):
        self.pipeline, self.counts_B = pipeline, counts_B
        self.targets = Targets(torch.tensor([ids], dtype=torch.int64), torch.tensor([len(ids)]))

    def __call__(self, frames_NTF: torch.Tensor) -> torch.Tensor:
        """(N, T, F) to (N,)."""
        many_N = torch.zeros(len(frames_NTF), dtype=torch.int64)
        encoded = self.pipeline.encoder(frames_NTF, self.counts_B[many_N])
        return -self.pipeline.objective.loss(*encoded, self.targets.of(many_N))


def _saliency(score: _Score, frames_BTF: torch.Tensor) -> torch.Tensor:
    from captum.attr import IntegratedGradients

    mean_BTF = frames_BTF.mean(1, keepdim=True).expand_as(frames_BTF)
    method = IntegratedGradients(score)
    return method.attribute(frames_BTF, mean_BTF, n_steps=STEPS, internal_batch_size=AT_A_TIME)[0].detach().float()


@torch.no_grad()
def _bands(score: _Score, frames_BTF: torch.Tensor) -> list[Band]:
    whole, found = score(frames_BTF), []
    for bins in torch.arange(frames_BTF.shape[2]).tensor_split(min(BANDS, frames_BTF.shape[2])):
        covered_BTF = frames_BTF.clone()
        covered_BTF[..., bins] = frames_BTF[..., bins].mean(1, keepdim=True)
        found.append(Band(int(bins[0]), int(bins[-1]), float(whole - score(covered_BTF))))
    return found


class _watched:
    """While it lasts, what every layer of self-attention in the encoder looks at is kept."""

    def __init__(self, pipeline: Pipeline):
        self.layers = {name: m for name, m in pipeline.encoder.named_modules() if isinstance(m, SelfAttention)}

    def __enter__(self) -> dict[str, torch.Tensor]:
        found: dict[str, torch.Tensor] = {}

        def keep(name):
            def hook(layer, given, _out):
                found[name] = layer.looks(*given)[0].mean(0)

            return hook

        self.hooks = [layer.register_forward_hook(keep(name)) for name, layer in self.layers.items()]
        return found

    def __exit__(self, *_: object) -> None:
        for hook in self.hooks:
            hook.remove()

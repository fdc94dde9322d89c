"""The LightningModule: wave augmentation, features, frame augmentation, encoder, objective."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytorch_lightning as pl
import torch
from torch import nn
from torch.nn import functional

from asrx.augment.mixup import Mix, Mixup
from asrx.training.pipeline import Pipeline
from asrx.training.schedules import Schedule
from asrx.training.stopwatch import Stopwatch
from asrx.types import Augment, Batch, Hypothesis, UserError


class Augmentation(NamedTuple):
    """What is done to training batches alone: modules (x, lengths) -> the same, in their order, on waveforms and on
    features, and what draws pairs of utterances, or None."""

    wave: Sequence[Augment] = ()
    frames: Sequence[Augment] = ()
    mixup: Mixup | None = None


class Optimisation(NamedTuple):
    """How weights are changed: named parameters to optimizer, (optimizer, total steps) to schedule, and the validation
    metric that schedules look at."""

    make_optimizer: Callable[[Any], torch.optim.Optimizer]
    make_schedule: Callable[[torch.optim.Optimizer, int], Schedule]
    monitor: str


class System(pl.LightningModule):
    """One experiment's model and how it is trained. It never asks which task this is.

    Args:
        pipeline: the model.
        augmentation, optimisation: of its training.
        seed: of dropout and augmentation, together with the place in training: a step draws the same numbers whether or
            not the run was interrupted before it.
        stopwatch: sums the seconds of features.
        card: plain data that makes a checkpoint explain itself: the resolved config and the labels.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        augmentation: Augmentation,
        optimisation: Optimisation,
        seed: int,
        stopwatch: Stopwatch,
        card: dict[str, Any],
    ):
        super().__init__()
        self.pipeline, self.optimisation = pipeline, optimisation
        self.wave_augment, self.frame_augment = nn.ModuleList(augmentation.wave), nn.ModuleList(augmentation.frames)
        self.mixup = augmentation.mixup
        self.seed, self.stopwatch, self.card = seed, stopwatch, card
        # a sum, not a mean, so that it can be saved in mid-epoch and added over processes;
        # not a buffer, as DDP would copy the first process's over the others
        self.train_loss = torch.zeros(2, dtype=torch.float64)
        self.schedule_state: dict[str, Any] = {}
        self.results: dict[str, float] = {}  # the latest scores, exact; Lightning keeps them in float32
        self.predictions: list[tuple[int, str, Hypothesis]] = []

    def forward(self, wave_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The pipeline's encodings and lengths, without augmentation."""
        return self.pipeline(wave_BT, lengths_B)

    @property
    def shortening(self) -> list[tuple[str, float]]:
        """The wave augmentations that make utterances shorter: where each stands, and the least share of the samples
        that it leaves."""
        named = enumerate(self.wave_augment)
        return [(f"augment.wave.{i} ({type(a).__name__})", a.shortest) for i, a in named if a.shortest < 1]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        optimizer = self.optimisation.make_optimizer((n, p) for n, p in self.named_parameters() if p.requires_grad)
        steps = self.trainer.estimated_stepping_batches
        self.schedule = self.optimisation.make_schedule(optimizer, None if math.isinf(steps) else int(steps))
        if self.schedule_state:
            self.schedule.load_state_dict(self.schedule_state)
        return optimizer

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        super().optimizer_step(*args, **kwargs)
        self.schedule.stepped()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["asrx"] = self.card
        checkpoint["schedule"] = self.schedule.state_dict()
        checkpoint["train_loss"] = self._train_loss_of_all().cpu()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if any(checkpoint["asrx"].get(key) not in (None, self.card.get(key)) for key in ("labels", "vocabulary")):
            raise UserError(
                f"The checkpoint is of another run: the {len(checkpoint['asrx']['labels'])} labels that it writes are "
                f"not the {len(self.card['labels'])} of this one: bring the run's own last.ckpt back, or start anew."
            )
        self.schedule_state = checkpoint["schedule"]
        if self.global_rank == 0:  # it is the sum of all processes
            self.train_loss = checkpoint["train_loss"]

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        place = [self.seed, self.current_epoch, batch_idx, self.global_rank]
        drawn = int(np.random.SeedSequence(place).generate_state(1)[0])
        # torch.manual_seed would write down the stack for each kind of device that is not there, 1 ms a step
        torch.default_generator.manual_seed(drawn)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(drawn)

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        with self.stopwatch("features"):
            batch, frames_BTF, lengths_B = self._augmented_frames(batch)
            mix = self.mixup(len(lengths_B), self.device) if self.mixup else None
            if mix:
                frames_BTF, lengths_B = mix.blend(frames_BTF, lengths_B)
        objective, encoder = self.pipeline.objective, self.pipeline.encoder
        if objective.inner:
            outputs, lengths_B = encoder.layered(frames_BTF, lengths_B)
            *_, inner_BTD = outputs[: len(outputs) // 2]
            inner_B = self._training_loss(inner_BTD, lengths_B, batch, mix)
            last_B = self._training_loss(outputs[-1], lengths_B, batch, mix)
            loss_B = objective.inner * inner_B + (1 - objective.inner) * last_B
        else:
            loss_B = self._training_loss(*encoder(frames_BTF, lengths_B), batch, mix)
        self.train_loss = self.train_loss.to(self.device) + _sum_and_count(loss_B)
        return loss_B.mean()

    def _training_loss(
        self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, batch: Batch, mix: Mix | None
    ) -> torch.Tensor:
        """One loss per utterance, (B,), with what views and blended utterances add."""
        loss_B = self._loss(enc_BTD, lengths_B, batch)
        if self.pipeline.objective.views > 1:
            loss_B = loss_B + self.pipeline.objective.disagreement(enc_BTD, lengths_B, batch.targets)
        if mix:
            loss_B = mix.combine(loss_B, self._loss(enc_BTD, lengths_B, batch.partners(mix.partner_B)))
        return loss_B

    def _loss(self, enc_BTD: torch.Tensor, lengths_B: torch.Tensor, batch: Batch) -> torch.Tensor:
        """One loss per utterance, (B,)."""
        loss_B = self.pipeline.objective.loss(enc_BTD, lengths_B, batch.targets)
        if batch.others is not None:
            others_B = self.pipeline.objective.loss(enc_BTD, lengths_B, batch.others)
            loss_B = batch.share_B * loss_B + (1 - batch.share_B) * others_B
        return loss_B + self.pipeline.encoder.penalty()

    @torch.no_grad()
    def _augmented_waves(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Waveforms and their lengths."""
        wave_BT, lengths_B = batch.wave_BT, batch.lengths_B
        with torch.autocast(self.device.type, enabled=False):
            for augment in self.wave_augment:
                after = augment(wave_BT, lengths_B)
                wave_BT, lengths_B = _long_enough((wave_BT, lengths_B), after, batch.least_B)
        return wave_BT, lengths_B

    def _augmented_frames(self, batch: Batch) -> tuple[Batch, torch.Tensor, torch.Tensor]:
        """The batch, with each utterance as often as the objective wants to see it, its frames and their lengths;
        gradients reach the features that learn."""
        wave_BT, lengths_B = self._augmented_waves(batch)
        with torch.autocast(self.device.type, enabled=False):
            frames_BTF, lengths_B = self.pipeline.frames(wave_BT, lengths_B)
            if (views := self.pipeline.objective.views) > 1:
                place_B = torch.arange(len(lengths_B), device=self.device).repeat(views)
                batch, frames_BTF, lengths_B = batch.partners(place_B), frames_BTF[place_B], lengths_B[place_B]
            for augment in self.frame_augment:
                frames_BTF, lengths_B = augment(frames_BTF, lengths_B)
        return batch, frames_BTF, lengths_B

    def mean_train_loss(self) -> float:
        """Mean over the utterances of the epoch so far, in all processes."""
        loss, count = self._train_loss_of_all().tolist()
        return loss / max(count, 1)

    def _train_loss_of_all(self) -> torch.Tensor:
        return self.trainer.strategy.reduce(self.train_loss.to(self.device, copy=True), reduce_op="sum")

    def on_train_epoch_end(self) -> None:
        self.log("train/loss", self.mean_train_loss())
        self.log("lr", self.optimizers().param_groups[0]["lr"])
        self.train_loss = torch.zeros_like(self.train_loss)
        self.results = {}  # an epoch without validation has no figures of it

    def on_validation_epoch_start(self) -> None:
        self._start_scoring()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._score(batch)

    def on_validation_epoch_end(self) -> None:
        results = self._log_scores("val")
        if not self.trainer.sanity_checking:
            self.schedule.validated(results[self.optimisation.monitor])

    def on_test_epoch_start(self) -> None:
        self._start_scoring()
        self.predictions = []

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        references, hypotheses = self._score(batch)
        self.predictions += zip(batch.index_B.tolist(), references, hypotheses, strict=True)

    def on_test_epoch_end(self) -> None:
        self._log_scores("test")

    def all_predictions(self) -> list[tuple[int, str, Hypothesis]]:
        """Place in the test set, reference and hypothesis of every test utterance, those of the other processes too."""
        if self.trainer.world_size == 1:
            return self.predictions
        gathered: list[Any] = [None] * self.trainer.world_size
        torch.distributed.all_gather_object(gathered, self.predictions)
        return [prediction for part in gathered for prediction in part]

    def _start_scoring(self) -> None:
        self.scores = self.pipeline.objective.metrics()
        self.held_out_loss = torch.zeros(2, dtype=torch.float64, device=self.device)

    def _score(self, batch: Batch) -> tuple[list[str], list[Hypothesis]]:
        enc_BTD, lengths_B = self(batch.wave_BT, batch.lengths_B)
        self.held_out_loss += _sum_and_count(self._loss(enc_BTD, lengths_B, batch))
        references, hypotheses = self.pipeline.objective.judged(enc_BTD, lengths_B, batch)
        self.scores.update(references, [hypothesis.text for hypothesis in hypotheses])
        return references, hypotheses

    def _log_scores(self, part: str) -> dict[str, float]:
        loss, count = self.trainer.strategy.reduce(self.held_out_loss, reduce_op="sum").tolist()
        counts = self.trainer.strategy.reduce(self.scores.counts.to(self.device), reduce_op="sum")
        self.scores.counts = counts.cpu()
        results = {"loss": loss / max(count, 1)} | self.scores.compute()
        named = {f"{part}/{name}": value for name, value in results.items()}
        self.log_dict({name: float(value) for name, value in named.items()})
        self.results |= named
        return named


def _long_enough(
    before: tuple[torch.Tensor, torch.Tensor], after: tuple[torch.Tensor, torch.Tensor], least_B: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Waves and lengths after an augmentation, and before it where it left an utterance fewer samples than it needs."""
    if least_B is None:
        return after
    keep_B, time = after[1] < least_B, max(before[0].shape[1], after[0].shape[1])
    one_BT, other_BT = (functional.pad(wave_BT, (0, time - wave_BT.shape[1])) for wave_BT, _ in (before, after))
    return torch.where(keep_B[:, None], one_BT, other_BT), torch.where(keep_B, before[1], after[1])


def _sum_and_count(loss_B: torch.Tensor) -> torch.Tensor:
    return torch.stack([loss_B.detach().double().sum(), torch.full_like(loss_B[0], len(loss_B)).double()]).detach()

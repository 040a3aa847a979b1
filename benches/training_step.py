"""A whole training step, as runs take it: both turns, backward and Adam, on excerpts that stay the same."""

import time
import typing
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from products import synchronise
from vocalise.autoencoder import Autoencoder
from vocalise.data.batches import Batch, Batches
from vocalise.recipes import Recipe
from vocalise.training.learner import Learner
from vocalise.training.loop import learn
from vocalise.training.precision import Precision

SINGERS = 4
FLOP_PER_MAC = 6  # 2 forward, 4 backward: the gradient of the input and that of the weights


class Still:
    """Gives the same excerpts over and over, so that no disk is measured."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def draw(self, count: int) -> Batch:
        """All of them."""
        return self.batch


def excerpts(count: int, samples: int, hop: int) -> Batch:
    """Harmonics and noise: a network's speed does not depend on what it hears, but denormal numbers would be unfair."""
    generator = torch.Generator().manual_seed(0)
    time_axis = torch.arange(samples) / 16_000
    pitch = 110.0 * (1.0 + torch.rand(count, 1, generator=generator))
    wave = 0.3 * torch.sin(2 * torch.pi * pitch * time_axis)
    wave = wave + 0.05 * torch.randn(count, samples, generator=generator)
    frames = torch.ones(count, samples // hop)
    bandwidth = torch.full((count,), 8000.0)
    singer, before = torch.arange(count) % SINGERS, torch.zeros(count, 0)
    return Batch(wave, singer, frames * pitch, frames, -20.0 * frames, bandwidth, before)


@dataclass
class TrainingStep:
    """A learner and what its step costs."""

    learner: Learner
    count: int  # excerpts
    samples: int  # of each

    @classmethod
    def of(
        cls, recipe: Recipe, *, count: int, samples: int, precision: Precision, device: torch.device
    ) -> "TrainingStep":
        """A fresh learner of a recipe; `samples` is rounded to whole frames."""
        recipe = replace(recipe, material=replace(recipe.material, batch=count, samples=samples))
        hop = recipe.model.build(singers=1).hop
        samples = max(1, round(samples / hop)) * hop
        still = typing.cast(Batches, Still(excerpts(count, samples, hop).to(device)))
        learner = Learner(
            recipe, still, singers=SINGERS, steps=recipe.steps, seed=0, device=device, precision=precision
        )
        return cls(learner, count, samples)

    def __call__(self) -> float:
        """One step: samples a second."""
        begun = time.perf_counter()
        learn(self.learner)
        synchronise(self.learner.device)
        return self.count * self.samples / (time.perf_counter() - begun)

    def macs_per_sample(self) -> tuple[float, float]:
        """Multiply-adds of a forward pass for each sample in the layers of the encoder and of the decoder."""
        model: Autoencoder = self.learner.model
        counts: dict[nn.Module, int] = {model.encoder: 0, model.decoder: 0}
        hooks = []
        for part in counts:
            for layer in part.modules():
                if isinstance(layer, nn.Linear):

                    def count(layer: nn.Module, _: object, out: Tensor, part: nn.Module = part) -> None:
                        counts[part] += out.numel() * typing.cast(nn.Linear, layer).in_features

                    hooks.append(layer.register_forward_hook(count))
        with torch.no_grad():
            self.learner.attempt(self.learner.lesson())
        for hook in hooks:
            hook.remove()
        samples = self.count * self.samples
        return counts[model.encoder] / samples, counts[model.decoder] / samples

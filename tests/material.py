"""Excerpts that nobody sang: tones of three singers, in the form in which the data floor gives recordings."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vocalise.autoencoder import Autoencoder
from vocalise.parts.contracts import Chance, Controls, Lesson
from vocalise.parts.protocols import recorded_controls
from vocalise.recipes import Recipe


@dataclass(frozen=True)
class Excerpt:
    wave: Tensor
    singer: Tensor
    pitch: Tensor
    voicing: Tensor
    loudness: Tensor
    bandwidth: Tensor
    before: Tensor
    analysis: Tensor | None = None


@dataclass(frozen=True)
class Made:
    """Draws excerpts: each singer has a pitch of its own."""

    singers: int
    samples: int
    hop: int

    def __call__(self, count: int) -> Excerpt:
        singer = torch.arange(count) % self.singers
        pitch = 110.0 * (1 + singer)[:, None] * torch.ones(1, self.samples // self.hop)
        time = torch.arange(self.samples) / 16_000
        wave = 0.3 * torch.sin(2 * math.pi * pitch[:, :1] * time) + 0.02 * torch.randn(count, self.samples)
        voicing, loudness, whole = torch.ones_like(pitch), torch.full_like(pitch, -15.0), torch.full((count,), 8000.0)
        return Excerpt(wave, singer, pitch, voicing, loudness, whole, wave.flip(1))

    def lesson(self, count: int) -> Lesson:
        excerpts = self(count)
        return Lesson(excerpts.wave, excerpts.wave, torch.ones(count), recorded_controls(excerpts, self.singers))

    def controls(self, count: int) -> Controls:
        return self.lesson(count).controls


def dice(count: int, seed: int = 0, temperature: float = 1.0) -> Chance:
    return Chance(tuple(torch.Generator().manual_seed(seed + n) for n in range(count)), temperature)


def small_excerpts(recipe: Recipe, samples: int = 3200, batch: int = 2) -> Recipe:
    return replace(recipe, material=replace(recipe.material, samples=samples, seconds=None, batch=batch))


def build(recipe: Recipe, singers: int = 3, seed: int = 0) -> Autoencoder:
    torch.manual_seed(seed)
    return recipe.model.build(singers=singers)

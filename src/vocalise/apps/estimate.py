"""What a training would cost on this machine: an estimate from a second's measurement, no promise."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch.nn import functional as F

from vocalise.autoencoder import Autoencoder
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import estimate_bytes
from vocalise.parts.contracts import Chance, Controls, Lesson
from vocalise.recipes import Recipe
from vocalise.sampling.choice import chosen

EXCERPTS = 2  # in the measured step; the rest of the batch is taken to cost the same each
FIXED = 500e6  # bytes that PyTorch takes by itself
ADVERSARIES = 1.1  # what they and the optimiser add to a step, about
COPIES = 3 * 5  # of the weights: weights and two moments, in the kept checkpoints, the best and the one being written


@dataclass(frozen=True)
class Estimate:
    """Time, memory and disk of a training."""

    recipe: str
    size: str
    parameters: int
    device: str
    step_seconds: float
    steps: int  # as published
    memory: float  # bytes, while training
    disk: float  # bytes: prepared audio and run folder

    def facts(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {**asdict(self), "is_an_estimate": True}


def estimate(corpus: Corpus, recipe: Recipe, size: str, device: torch.device) -> Estimate:
    """Times one forward and backward pass and adds up what it remembers."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        model = recipe.model.build(singers=len(corpus.singers)).to(device)
        _step(model, recipe, device, excerpts=1)  # the first one allocates
        begun = time.perf_counter()
        remembered = _step(model, recipe, device, excerpts=EXCERPTS)
        seconds = time.perf_counter() - begun
    batches = recipe.material.batch / EXCERPTS
    weights = 4.0 * sum(weight.numel() for weight in model.parameters())
    return Estimate(
        recipe=recipe.name,
        size=size,
        parameters=round(weights / 4),
        device=str(device),
        step_seconds=ADVERSARIES * batches * seconds,
        steps=recipe.steps,
        memory=FIXED + 4 * weights + batches * remembered,
        disk=estimate_bytes(corpus, rate=model.rate, contours=model.condition.uses_pitch, analyst=model.signal)
        + COPIES * weights
        + 32e6,
    )


def singing_pace(recipe: Recipe, device: torch.device, *, streams: int) -> float:
    """Seconds of work for a second of song with so many phrases side by side, from a frame sung for the purpose."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.no_grad():
        model = chosen(recipe.model.build(singers=2).to(device).eval())
        wave = torch.zeros(streams, model.hop, device=device)
        identity = torch.full((streams, 2, 1), 0.5, device=device)
        columns = torch.zeros(streams, model.hop // model.condition.hop, device=device)
        chance = Chance(tuple(torch.Generator().manual_seed(number) for number in range(streams)))
        begun = time.perf_counter()
        model.convert(wave, Controls(identity, columns, columns, columns), chance)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    return (time.perf_counter() - begun) * model.rate / model.hop


def _step(model: Autoencoder, recipe: Recipe, device: torch.device, *, excerpts: int) -> float:
    """A forward and backward pass on silence; bytes that the forward pass keeps for the backward one."""
    samples = max(1, recipe.material.excerpt(rate=model.rate, hop=model.hop) // model.hop) * model.hop
    wave = torch.zeros(excerpts, samples, device=device)
    columns = torch.zeros(excerpts, samples // model.condition.hop, device=device)
    identity = F.one_hot(torch.zeros(excerpts, dtype=torch.long, device=device), model.singers).float().unsqueeze(2)
    lesson = Lesson(wave, wave, torch.ones(excerpts, device=device), Controls(identity, columns, columns, columns))
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model(lesson).decoded.loss.mean()
    torch.autograd.backward(loss)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return float(sum(kept.values()))

"""Sampling speed of the plain stepper: a WaveNet singing a few hundred samples, some streams side by side."""

import time

import torch

from products import synchronise
from rounds import Contender
from vocalise.parts.contracts import Chance, Controls, Decoder
from vocalise.recipes import Recipe


def singing(recipe: Recipe, *, streams: int, samples: int, device: torch.device) -> Contender:
    """A decoder with fresh weights that sings on and on: samples a second of all streams together."""
    model = recipe.model.build(singers=4).to(device).eval()
    # The same decoder on a faster clock: what a step costs does not depend on how often it is told something new.
    decoder: Decoder = recipe.model.decoder.build(
        signal=model.signal.channels, condition=model.condition.channels, hop=samples, singers=4, rate=model.rate
    )
    decoder.to(device).eval()
    condition = torch.randn(streams, model.condition.channels, 1, device=device)
    controls = Controls(
        identity=torch.full((streams, 4, 1), 0.25, device=device),
        pitch=torch.full((streams, 1), 220.0, device=device),
        voicing=torch.ones(streams, 1, device=device),
        loudness=torch.full((streams, 1), -20.0, device=device),
    )

    def sing() -> float:
        chance = Chance(tuple(torch.Generator().manual_seed(stream) for stream in range(streams)))
        state = decoder.begin(streams)
        begun = time.perf_counter()
        decoder.extend(state, condition, controls, chance)
        synchronise(device)
        return streams * samples / (time.perf_counter() - begun)

    return sing
